/** `command:remote:CopyToRemote`. */
import { CONNECTION, readConnection } from "./connection";
import { STRING, TRIGGERS, type Failure, type FieldType } from "./fields";
import { textIn } from "./properties";
import type { ResourceType, Step } from "./resourceType";
import { ARCHIVE, ASSET, Special, type Properties } from "./values";

const SOURCE: FieldType = {
  goName: "types.AssetOrArchive",
  // A text is taken for neither.
  wireNames: [ASSET, ARCHIVE, "string"],
  zero: new Map(),
  fields: {},
  schema: { $ref: "pulumi.json#/Asset" },
};

export const copyToRemote: ResourceType = {
  goName: "remote.CopyToRemote",
  inputs: { connection: CONNECTION, triggers: TRIGGERS, source: SOURCE, remotePath: STRING },
  requiredInputs: ["connection", "source", "remotePath"],
  outputs: {},
  requiredOutputs: [],
  namesIds: false,

  refusals(inputs) {
    const source = sourceOf(inputs);
    const failure = (property: string, reason: string): Failure[] => [{ property, reason }];
    if (!source) return failure("asset", "either asset or archive must be set");
    if (source.path || source.text) return [];
    return source.isArchive
      ? failure("archive", "archive must be a path to a file or directory")
      : failure("asset", "asset must be a path-based file asset or a text asset");
  },

  async create(inputs, step) {
    await copy(inputs, step);
    return new Map();
  },

  async update(state, inputs, step) {
    const isSame =
      sourceOf(inputs)?.hash === sourceOf(state)?.hash && textIn(inputs, "remotePath") === textIn(state, "remotePath");
    if (!isSame) await copy(inputs, step);
    return new Map();
  },
};

interface Source {
  readonly isArchive: boolean;
  readonly path: string;
  readonly text: string;
  readonly hash: string;
}

function sourceOf(inputs: Properties): Source | undefined {
  const content = inputs.get("source")?.content;
  if (!(content instanceof Special)) return undefined;
  const field = (name: string): string => textIn(content.properties, name) ?? "";
  const isArchive = content.goType === ARCHIVE;
  return { isArchive, path: field("path"), text: isArchive ? "" : field("text"), hash: field("hash") };
}

async function copy(inputs: Properties, step: Step): Promise<void> {
  const { copyRemotely } = await import("./remote");
  const { path, text } = sourceOf(inputs)!;
  await copyRemotely({
    connection: readConnection(inputs.get("connection")),
    source: text ? { text } : { path },
    remotePath: textIn(inputs, "remotePath")!,
    step,
  });
}
