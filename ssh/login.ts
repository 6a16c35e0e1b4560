/** What an endpoint's inputs say about who the host is and how to log in to it. */
import { connect } from "node:net";
import type { ParsedKey, Prompt } from "ssh2";
import type { Endpoint } from "../model/connection";
import { systemText } from "./goText";
import { parseHostKey, type HostKey } from "./hostKey";
import { parsePrivateKey, WrongPassphrase } from "./privateKey";

export type Method =
  | { readonly type: "publickey"; readonly key: ParsedKey }
  | { readonly type: "password"; readonly password: string }
  | {
      readonly type: "keyboard-interactive";
      prompt(
        name: string,
        text: string,
        language: string,
        prompts: Prompt[],
        answer: (answers: string[]) => void,
      ): void;
    }
  | { readonly type: "agent"; readonly agent: string };

export interface Login {
  readonly user: string;
  readonly hostKey?: HostKey;
  /** In the order in which they are tried. */
  readonly methods: readonly Method[];
}

/** The input of an endpoint that cannot be used. */
export type UnusableInput = "hostKey" | "privateKey" | "privateKeyPassword" | "agentSocketPath";

/** Why an input cannot be used: in the official plugin's words, and as facts. Shows nothing of a key. */
export class LoginError extends Error {
  constructor(
    readonly property: UnusableInput,
    override readonly cause: Error,
  ) {
    super(cause.message);
  }

  /** Without the name of Go's package, or of the agent. */
  get because(): string {
    return this.message.replace(/^(ssh|x509|dial unix \S+): /, "");
  }
}

function usable<T>(property: UnusableInput, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new LoginError(error instanceof WrongPassphrase ? "privateKeyPassword" : property, error as Error);
  }
}

export async function prepareLogin(endpoint: Endpoint): Promise<Login> {
  const { user, password, privateKey, privateKeyPassword } = endpoint;
  const line = endpoint.hostKey;
  const hostKey = line === undefined ? {} : { hostKey: usable("hostKey", () => parseHostKey(line)) };
  const methods: Method[] = [];
  if (privateKey !== undefined)
    methods.push({
      type: "publickey",
      key: usable("privateKey", () => parsePrivateKey(privateKey, privateKeyPassword)),
    });
  if (password !== undefined) {
    methods.push(
      { type: "password", password },
      {
        type: "keyboard-interactive",
        // eslint-disable-next-line max-params -- as ssh2 calls it
        prompt: (_name, _text, _language, prompts, answer) => answer(prompts.map(() => password)),
      },
    );
  }
  const agent = endpoint.agentSocketPath ?? (process.env["SSH_AUTH_SOCK"] || undefined);
  if (agent !== undefined) {
    await reach(agent);
    methods.push({ type: "agent", agent });
  }
  return { user, ...hostKey, methods };
}

/** An agent that cannot be reached is an error even where there is another way to log in. */
function reach(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (error) =>
      reject(new LoginError("agentSocketPath", new Error(`dial unix ${path}: connect: ${systemText(error)}`))),
    );
  });
}
