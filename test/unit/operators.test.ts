/** Who may talk to the rescue's bot, however it is written. */
import { expect, it } from "vitest";
import { checkOperatorOnly } from "../../components/rules/operators";
import { telegramSchema } from "../../components/rules/schemas";

function problems(allowFrom: readonly unknown[]): string[] {
  const telegram = telegramSchema.parse({ botToken: "t", allowFrom });
  return checkOperatorOnly({ label: "rescue" }, { telegram }).map(({ path, reason }) => `${path}: ${reason}`);
}

it.each([[["4242"]], [[4242]], [[" 4242 "]], [["tg:4242", "Telegram: 4343"]]])("lets %j in", (allowFrom) => {
  expect(problems(allowFrom)).toEqual([]);
});

it("hands on what OpenClaw makes of it", () => {
  const allowFrom = [" tg: 4242 ", 4343, " * ", "telegram:*", "accessGroup:friends"];
  const telegram = telegramSchema.parse({ botToken: "t", allowFrom });
  expect(telegram.allowFrom).toEqual(["4242", "4343", "*", "*", "accessGroup:friends"]);
});

it.each(["*", " * ", "\t*", "telegram:*", "TG: *", "accessGroup:friends", " telegram:accessGroup:friends"])(
  "is not open to %j",
  (sender) => {
    expect(problems(["4242", sender])).toEqual([
      expect.stringMatching(/^rescue\.telegram\.allowFrom: .*only named operators may talk to it$/),
    ]);
  },
);
