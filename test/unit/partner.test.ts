import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requirePartnerElsewhere } from "../../deployer/partner";
import { FakeDocker } from "./fakeDocker";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "partner-"))));
afterEach(() => rmSync(directory, { recursive: true }));

/** A host program that gives one answer after the other, the last one for ever. */
function program(name: string, ...answers: string[]): string {
  const path = join(directory, name);
  const lines = answers.map((answer, index) => `  ${index === answers.length - 1 ? "*" : index}) ${answer} ;;`);
  const asked = `n=$(cat ${path}.asked 2>/dev/null || echo 0); echo $((n + 1)) >${path}.asked`;
  writeFileSync(path, `#!/bin/sh\necho "$*" >>${path}.words\n${asked}\ncase $n in\n${lines.join("\n")}\nesac\n`);
  chmodSync(path, 0o755);
  return path;
}

const required = (main: string, rescue: string): Promise<string> =>
  requirePartnerElsewhere(
    { gateway: { id: "main", program: main, version: "1.2.3" }, partner: { id: "rescue", program: rescue } },
    { graceMs: 600, pollMs: 100 },
  );

it.each(["unhealthy", "absent"])("a gateway that is %s may be changed, whatever its partner is", async (state) => {
  const rescue = program("rescue", "echo unhealthy");
  expect(await required(program("main", `echo ${state}`), rescue)).toContain("nothing to protect");
  expect(existsSync(`${rescue}.asked`)).toBe(false);
});

it("a host that was never set up has no gateway", async () => {
  expect(await required(join(directory, "none"), "")).toContain("nothing to protect");
  expect(await required(program("main", "echo healthy"), join(directory, "none"))).toContain("nothing to protect");
});

it("a healthy gateway may be changed while its partner is healthy", async () => {
  expect(await required(program("main", "echo healthy"), program("rescue", "echo healthy"))).toBe("rescue is healthy");
});

it("a partner that is still starting is waited for", async () => {
  const rescue = program("rescue", "echo unhealthy", "exit 1", "echo healthy");
  expect(await required(program("main", "echo healthy"), rescue)).toBe("rescue is healthy");
});

it.each(["echo unhealthy", "exit 1", "echo", "yes"])(
  "a healthy gateway is kept while its partner says: %s",
  async (answer) => {
    const refused = required(program("main", "echo healthy"), program("rescue", answer));
    await expect(refused).rejects.toThrow(/^the partner gateway rescue on this machine is not healthy .*force: true/s);
  },
);

it("a gateway that cannot be asked is not changed", async () => {
  await expect(required(program("main", "exit 1"), program("rescue", "echo healthy"))).rejects.toThrow("prepare main");
});

describe("a partner in a container", () => {
  let docker: FakeDocker;
  beforeEach(async () => void (docker = await FakeDocker.start()));
  afterEach(() => docker.stop());

  const container = "claw-dev-main";
  const inContainer = () => ({ id: "main", engine: docker.address, container });
  const patience = { graceMs: 300, pollMs: 100 };
  /** A change of the rescue gateway on a host. */
  const asked = (): Promise<string> =>
    requirePartnerElsewhere(
      {
        gateway: { id: "rescue", program: program("rescue", "echo healthy"), version: "1.2.3" },
        partner: inContainer(),
      },
      patience,
    );
  /** A change of the gateway in the container. */
  const changed = (rescue = program("rescue", "echo healthy")): Promise<string> =>
    requirePartnerElsewhere(
      { gateway: { ...inContainer(), version: "1.2.3" }, partner: { id: "rescue", program: rescue } },
      patience,
    );

  it("a partner in a container is asked by its own check, and a missing one is nothing to protect", async () => {
    expect(await asked()).toBe("there is no gateway main yet: nothing to protect");
    docker.containers.set(container, { says: ["it answers {}", ""] });
    expect(await asked()).toBe("main is healthy");
  });

  it.each([{ Running: false }, { Paused: true }])(
    "a partner in a container that is %j is named with how to inspect it",
    async (state) => {
      docker.containers.set(container, { state });
      await expect(asked()).rejects.toThrow(
        "the partner gateway main in the container claw-dev-main is not healthy (unhealthy), so this healthy gateway was " +
          "not taken down; nothing was changed\n    -> repair main first (" +
          `docker -H ${docker.address.host} exec claw-dev-main openclaw gateway status --deep), or set \`force: true\``,
      );
    },
  );

  it("a partner whose engine does not answer keeps a healthy gateway up", async () => {
    docker.containers.set(container, {});
    const { address } = docker;
    docker.stop();
    docker = await FakeDocker.start();
    const refused = requirePartnerElsewhere(
      {
        gateway: { id: "rescue", program: program("rescue", "echo healthy"), version: "1.2.3" },
        partner: { id: "main", engine: address, container },
      },
      patience,
    );
    await expect(refused).rejects.toThrow(/is not healthy \(the Docker engine at unix:.* does not answer/);
  });

  it("a container may be changed while its partner is healthy, and not otherwise", async () => {
    docker.containers.set(container, {});
    expect(await changed()).toBe("rescue is healthy");
    await expect(changed(program("down", "echo unhealthy"))).rejects.toThrow(
      /^the partner gateway rescue on this machine/,
    );
    expect(docker.changes).toEqual([]);
  });

  it("a container that never became healthy is removed only when it may be changed", async () => {
    docker.containers.set(container, { host: { PidsLimit: 0 } });
    await expect(changed(program("down", "echo unhealthy"))).rejects.toThrow(
      /^the partner gateway rescue on this machine/,
    );
    expect(docker.changes).toEqual([]);
    expect(await changed()).toBe("rescue is healthy");
    expect(docker.changes).toEqual([`POST /containers/${container}/stop`, `DELETE /containers/${container}`]);
  });
});
