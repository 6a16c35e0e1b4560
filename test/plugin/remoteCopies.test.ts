/** CopyToRemote: what lands where on the other host. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { refusal, type Json, type Properties } from "./pluginClient";
import { COPY, forEachPluginWithSsh } from "./ssh";
import { archive, asset, secret } from "./wire";

const UNKNOWN_ERROR = 2;

const directory = mkdtempSync(join(tmpdir(), "copies-"));
const source = join(directory, "source");
const target = join(directory, "target");
afterAll(() => rmSync(directory, { recursive: true }));
mkdirSync(join(source, "sub", "empty"), { recursive: true });
writeFileSync(join(source, "a"), "A");
writeFileSync(join(source, "sub", "b"), "B");
writeFileSync(join(source, ".hidden"), "");
symlinkSync("a", join(source, "link"));
chmodSync(join(source, "a"), 0o700);

const text = (content: string, hash = content): Json => asset({ text: content, hash });
const file = (path: string): Json => asset({ path, hash: path });
const tree = (path: string): Json => archive({ path, hash: path });

/** All files below a directory with their content, and directories. */
const contents = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, encoding: "utf8" })
      .sort()
      .map((name) => [name, statSync(join(path, name)).isDirectory() ? "/" : readFileSync(join(path, name), "utf8")]),
  );
const SOURCE = { ".hidden": "", a: "A", link: "A", sub: "/", "sub/b": "B", "sub/empty": "/" };
const below = (name: string): Record<string, string> => ({
  [name]: "/",
  ...Object.fromEntries(Object.entries(SOURCE).map(([path, content]) => [`${name}/${path}`, content])),
});

forEachPluginWithSsh((plugin, ssh) => {
  beforeEach(() => {
    rmSync(target, { recursive: true, force: true });
    mkdirSync(join(target, "there"), { recursive: true });
    writeFileSync(join(target, "file"), "old and long");
  });

  const inputs = (from: Json, remotePath: string): Properties => ({
    connection: secret(ssh.connection()),
    source: from,
    remotePath: join(target, remotePath),
  });
  const copy = (from: Json, remotePath: string): Promise<{ id: string; outputs: Properties }> =>
    plugin.client.create(inputs(from, remotePath), {}, COPY);

  /** What, where to, and what is there then beside what was. */
  const COPIES: readonly (readonly [string, Json, string, Record<string, string>])[] = [
    ["a text", text("content ö\n"), "new", { new: "content ö\n" }],
    ["a secret text", secret(text("content")), "new", { new: "content" }],
    ["a text over a file", text("new"), "file", { file: "new" }],
    ["a text below directories that are made", text("a"), "x/y/z", { x: "/", "x/y": "/", "x/y/z": "a" }],
    ["a file", file(join(source, "a")), "new", { new: "A" }],
    ["a file over a file", file(join(source, "a")), "file", { file: "A" }],
    ["a file into a directory", file(join(source, "a")), "there", { "there/a": "A" }],
    ["a file below directories that are made", file(join(source, "a")), "x/y", { x: "/", "x/y": "A" }],
    ["a link's file", file(join(source, "link")), "new", { new: "A" }],
    ["a directory into a directory", tree(source), "there", below("there/source")],
    ["a directory into one that is made", tree(source), "x/y", { x: "/", "x/y": "/", ...below("x/y/source") }],
    ["a directory's content", tree(`${source}/`), "new", below("new")],
    ["a directory's content into a directory", tree(`${source}/`), "there", below("there")],
    ["an archive file as it is", tree(join(source, "a")), "there", { "there/a": "A" }],
  ];

  describe("create copies", () => {
    for (const [name, from, remotePath, added] of COPIES) {
      it(name, async () => {
        const { id, outputs } = await copy(from, remotePath);
        expect(id).toMatch(/^[0-9a-f]{8}$/);
        expect(Object.keys(outputs).sort()).toEqual(["connection", "remotePath", "source"]);
        expect(contents(target)).toEqual({ file: "old and long", there: "/", ...added });
      });
    }

    it("over what is there, and leaves the rest", async () => {
      await copy(tree(`${source}/`), "there");
      writeFileSync(join(target, "there", "sub", "b"), "changed, longer");
      writeFileSync(join(target, "there", "sub", "more"), "kept");
      await copy(tree(`${source}/`), "there");
      expect(contents(join(target, "there"))).toEqual({ ...SOURCE, "sub/more": "kept" });
    });

    it("a large file", async () => {
      const large = join(directory, "large");
      const bytes = Buffer.alloc(5_000_001, "0123456789");
      writeFileSync(large, bytes);
      await copy(file(large), "new");
      expect(readFileSync(join(target, "new")).equals(bytes)).toBe(true);
    });

    it("no mode", async () => {
      await copy(file(join(source, "a")), "new");
      expect(statSync(join(target, "new")).mode & 0o111).toBe(0);
    });

    it("to where the host says that home is", async () => {
      const name = `.copy-of-a-test-${process.pid}`;
      await plugin.client.create({ ...inputs(text("a"), ""), remotePath: name }, {}, COPY);
      const path = join(process.env["HOME"] ?? "/root", name);
      expect(readFileSync(path, "utf8")).toBe("a");
      rmSync(path);
    });
  });

  /** What, where to, and why not. */
  const FAILURES: readonly (readonly [string, Json, string, string])[] = [
    [
      "a text to a directory",
      text("a"),
      "there",
      `remote path ${target}/there is a directory; when using a text asset, remotePath must be a file path`,
    ],
    [
      "a text below a file",
      text("a"),
      "file/x",
      `failed to create parent directories for ${target}/file/x: mkdir ${target}/file: not a directory`,
    ],
    ["no file", file(join(source, "none")), "new", `open ${source}/none: no such file or directory`],
    ["a directory onto a file", tree(`${source}/`), "file", `remote path ${target}/file exists but is not a directory`],
    [
      "a directory where a file has its name",
      tree(source),
      "with-file",
      `remote path ${target}/with-file/source exists but is not a directory`,
    ],
  ];

  describe("create fails to copy", () => {
    for (const [name, from, remotePath, message] of FAILURES) {
      it(name, async () => {
        mkdirSync(join(target, "with-file"));
        writeFileSync(join(target, "with-file", "source"), "");
        expect(await refusal(copy(from, remotePath))).toEqual({ code: UNKNOWN_ERROR, message });
      });
    }

    it("a link to a directory in a directory", async () => {
      const odd = join(directory, "odd");
      mkdirSync(odd, { recursive: true });
      if (!existsSync(join(odd, "link"))) symlinkSync("../source", join(odd, "link"));
      const [from, to] = [join(odd, "link"), join(target, "new/odd/link")];
      const message = `failed to copy file ${from} to remote path ${to}: read ${from}: is a directory`;
      expect(await refusal(copy(tree(odd), "new"))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("to a place that may not be written", async () => {
      const path = "/proc/new";
      const call = plugin.client.create({ ...inputs(text("a"), ""), remotePath: path }, {}, COPY);
      expect((await refusal(call)).message).toMatch(/^failed to create remote file \/proc\/new: /);
    });

    it("to a host without SFTP", async () => {
      const { port } = await ssh.site.start({ sftp: false });
      const connection = ssh.connection({ port });
      const call = plugin.client.create({ ...inputs(text("a"), "new"), connection }, {}, COPY);
      expect(await refusal(call)).toEqual({ code: UNKNOWN_ERROR, message: "ssh: subsystem request failed" });
    });

    it("to a host that is not there", async () => {
      const connection = ssh.connection({ port: 1 });
      const call = plugin.client.create({ ...inputs(text("a"), "new"), connection }, {}, COPY);
      const message = "after 0 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused";
      expect(await refusal(call)).toEqual({ code: UNKNOWN_ERROR, message });
    });
  });

  describe("update", () => {
    const update = (olds: Properties, news: Properties): Promise<Properties> =>
      plugin.client.update(olds, news, {}, COPY);

    it("copies another content", async () => {
      await update(inputs(text("a"), "new"), inputs(text("b"), "new"));
      expect(readFileSync(join(target, "new"), "utf8")).toBe("b");
    });

    it("copies to another path, and leaves the old one", async () => {
      await copy(text("a"), "old");
      await update(inputs(text("a"), "old"), inputs(text("a"), "new"));
      expect(contents(target)).toMatchObject({ old: "a", new: "a" });
    });

    it("copies nothing to another host", async () => {
      const other = { ...inputs(text("a"), "new"), connection: ssh.connection({ port: 1 }) };
      expect(await update(inputs(text("a"), "new"), other)).toMatchObject({ connection: ssh.connection({ port: 1 }) });
    });

    it("goes by the hash alone", async () => {
      await update(inputs(text("a", "1"), "new"), inputs(text("b", "1"), "new"));
      expect(existsSync(join(target, "new"))).toBe(false);
    });
  });

  it("delete leaves everything", async () => {
    await copy(text("a"), "new");
    const state = { ...inputs(text("a"), "new"), connection: ssh.connection({ port: 1 }) };
    expect(await plugin.client.delete(state, {}, COPY)).toBeUndefined();
    expect(existsSync(join(target, "new"))).toBe(true);
  });

  it("copies to a host behind another", async () => {
    const connection = ssh.connection({ proxy: ssh.connection() });
    await plugin.client.create({ ...inputs(tree(`${source}/`), "new"), connection }, {}, COPY);
    expect(contents(join(target, "new"))).toEqual(SOURCE);
  });
});
