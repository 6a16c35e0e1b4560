/** What keeps a gateway running. One implementation per service manager. */
import type { HostGateway } from "../host";
import { EXIT_TIMEOUT_MS } from "../limits";
import { isListening } from "../../inspect/listeners";

/** Exit code that a restart cannot fix: bad or missing configuration, state in use. Source: measured. */
export const EXIT_UNRECOVERABLE = 78;

export interface SupervisorStatus {
  /** The supervisor is running. */
  readonly supervised: boolean;
  /** The gateway's own process, if it is running. */
  readonly gatewayPid?: number;
  /** How often the gateway has exited on its own since it was started. */
  readonly exits: number;
  /** Why the supervisor does not start the gateway again, e.g. after exit code 78. */
  readonly gaveUp?: string;
}

export interface Supervisor {
  /** Starts the gateway's current generation. Returns when the supervisor is running, not when the gateway is ready. */
  start(gateway: HostGateway): Promise<void>;
  /**
   * Stops the gateway and its supervisor. Returns when nothing of them runs. One that was never healthy has nothing
   * to finish (`drain: false`): it gets seconds instead of minutes.
   */
  stop(gateway: HostGateway, drain: boolean): Promise<void>;
  /** Removes what is left of a stopped gateway: it does not come back after a reboot. */
  remove(gateway: HostGateway): void;
  status(gateway: HostGateway): SupervisorStatus;
  /** Makes what it has of a running gateway what it should be, and leaves the gateway alone. */
  settle(gateway: HostGateway): void;
  /** What it has of a gateway. */
  files(gateway: HostGateway): string[];
  /** The end of the gateway's log at this moment. */
  logPosition(gateway: HostGateway): number;
  /** What the gateway printed since then, or the end of it; may hold secrets. */
  logSince(gateway: HostGateway, position: number): string;
}

/**
 * Call it before stopping a gateway: says whether it hangs. Now and then all threads of Node.js wait for one
 * another at exit, forever (measured once in a few hundred exits, Node.js 24.21); then waiting for its work is useless.
 */
export function watchExit({ claim }: HostGateway): () => boolean {
  // One that listens elsewhere, or does not listen yet, gets all its time.
  if (!isListening(claim.basePort)) return () => false;
  let closed: number | undefined;
  return () => {
    closed = isListening(claim.basePort) ? undefined : (closed ?? Date.now());
    return closed !== undefined && Date.now() - closed > EXIT_TIMEOUT_MS;
  };
}
