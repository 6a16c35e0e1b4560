/**
 * A key management service, as Vault's transit engine answers, for the secrets of stacks: where Pulumi derives the key from a
 * passphrase instead, each of its runs takes 0.17 s of a processor longer. It keeps nothing from anybody.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export const SECRETS_PROVIDER = "hashivault://tests";
const PREFIX = "vault:v1:";

let environment: Promise<NodeJS.ProcessEnv> | undefined;

/** With what Pulumi finds it. It ends with this process. */
export const keyService = (): Promise<NodeJS.ProcessEnv> => (environment ??= start());

async function start(): Promise<NodeJS.ProcessEnv> {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { plaintext, ciphertext = "" } = body as { plaintext?: string; ciphertext?: string };
      const data =
        plaintext === undefined
          ? { plaintext: ciphertext.slice(PREFIX.length) }
          : { ciphertext: `${PREFIX}${plaintext}` };
      response.end(JSON.stringify({ data }));
    });
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { VAULT_SERVER_URL: `http://127.0.0.1:${port}`, VAULT_SERVER_TOKEN: "token" };
}
