/** Who may talk to the rescue's bot, however it is written. */
import { expect, it } from "vitest";
import { checkOperatorOnly, ownerless } from "../../components/rules/operators";
import { telegramSchema } from "../../components/rules/schemas";

function problems(allowFrom: readonly unknown[]): string[] {
  const telegram = telegramSchema.parse({ botToken: "t", allowFrom });
  return checkOperatorOnly({ label: "rescue" }, { telegram }).map(({ path, reason }) => `${path}: ${reason}`);
}

it.each([[["4242"]], [[4242]], [[" 4242 "]], [["tg:4242", "Telegram: 4343"]]])("rescue may admit %j", (allowFrom) => {
  expect(problems(allowFrom)).toEqual([]);
});

it("rescue requires its token on the tailnet: main's bot reaches the port that Tailscale forwards to", () => {
  const config = { gateway: { auth: { allowTailscale: true } } };
  expect(checkOperatorOnly({ label: "rescue" }, { config, expose: { tailscale: "serve" } })).toMatchObject([
    { path: "rescue.config.gateway.auth.allowTailscale" },
  ]);
  const kept = { gateway: { auth: { allowTailscale: false } } };
  expect(checkOperatorOnly({ label: "rescue" }, { config: kept, expose: { tailscale: "serve" } })).toEqual([]);
});

it("operator ids are normalized as OpenClaw does it", () => {
  const allowFrom = [" tg: 4242 ", 4343, " * ", "telegram:*", "accessGroup:friends"];
  const telegram = telegramSchema.parse({ botToken: "t", allowFrom });
  expect(telegram.allowFrom).toEqual(["4242", "4343", "*", "*", "accessGroup:friends"]);
});

it.each(["*", " * ", "\t*", "telegram:*", "TG: *", "accessGroup:friends", " telegram:accessGroup:friends"])(
  "rescue must not be open to %j",
  (sender) => {
    expect(problems(["4242", sender])).toEqual([
      expect.stringMatching(/^rescue\.telegram\.allowFrom: .*only named operators may talk to it$/),
    ]);
  },
);

it.each<[string, object, RegExp[]]>([
  ["nobody, without a channel", {}, []],
  ["somebody by id", { telegram: { botToken: "t", allowFrom: ["4242"] } }, []],
  [
    "nobody whom the bot would pair",
    { telegram: { botToken: "t" } },
    [/^main\.telegram: it has no allowFrom, .* asked to pair/],
  ],
  ["nobody of everybody", { telegram: { botToken: "t", allowFrom: ["*"], dmPolicy: "open" } }, [/names no person/]],
  ["nobody, where nobody may write", { telegram: { botToken: "t", dmPolicy: "disabled" } }, []],
  [
    "nobody on Discord",
    { config: { channels: { discord: { token: "${T}" } } } },
    [/config\.channels: nobody owns .* of discord/],
  ],
  ["nobody on Discord that is off", { config: { channels: { discord: { enabled: false } } } }, []],
  [
    "nobody on Telegram beside Discord's",
    { telegram: { botToken: "t" }, config: { channels: { discord: {} }, commands: { ownerAllowFrom: ["discord:1"] } } },
    [/^main\.telegram/],
  ],
  [
    "nobody on Discord beside Telegram's",
    { telegram: { botToken: "t", allowFrom: [4242] }, config: { channels: { discord: {} } } },
    [/^main\.config\.channels/],
  ],
  ["everybody", { telegram: { botToken: "t" }, config: { commands: { ownerAllowFrom: ["*"] } } }, []],
])("a gateway is owned by %s", (_, { telegram, ...args }: { telegram?: unknown }, notices) => {
  const checked = { ...args, ...(telegram !== undefined && { telegram: telegramSchema.parse(telegram) }) };
  expect(ownerless({ label: "main" }, checked)).toEqual(
    notices.map((notice) => expect.stringMatching(notice) as string),
  );
});
