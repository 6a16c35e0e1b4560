/** What keeps a gateway running. One implementation per service manager. */
import type { HostGateway } from "../host";
import { EXIT_TIMEOUT_MS } from "../limits";
import { isListening } from "../../inspect/listeners";

/** Exit code that a restart cannot mend: bad or missing configuration, state in use. Source: measured. */
export const EXIT_UNRECOVERABLE = 78;

export interface SupervisorStatus {
  /** The supervisor is there. */
  readonly supervised: boolean;
  /** Process of the gateway itself, where it runs. */
  readonly gatewayPid?: number;
  /** How often the gateway ended by itself since it was started. */
  readonly exits: number;
  /** Why the supervisor does not start the gateway again, e.g. after exit code 78. */
  readonly gaveUp?: string;
}

export interface Supervisor {
  /** Starts the gateway's current generation. Returns when the supervisor is there, not when the gateway is ready. */
  start(gateway: HostGateway): Promise<void>;
  /**
   * Ends the gateway and its supervisor. Returns when nothing of them runs. A gateway that never was healthy has nothing
   * to finish (`drain: false`): it is given seconds instead of minutes.
   */
  stop(gateway: HostGateway, drain: boolean): Promise<void>;
  /** Removes what is left of a gateway that was stopped: it does not come back with the machine. */
  remove(gateway: HostGateway): void;
  status(gateway: HostGateway): SupervisorStatus;
  /** The end of the gateway's log at this moment. */
  logPosition(gateway: HostGateway): number;
  /** What the gateway printed since then, or the end of it; may hold secrets. */
  logSince(gateway: HostGateway, position: number): string;
}

/**
 * To be made before a gateway is told to end: says whether it hangs. Now and then all threads of Node.js wait for one
 * another in its exit, for ever (measured once in some hundred ends, Node.js 24.21); to wait for its work is vain then.
 */
export function watchExit({ claim }: HostGateway): () => boolean {
  // One that listens elsewhere, or does not listen yet, is given all its time.
  if (!isListening(claim.basePort)) return () => false;
  let closed: number | undefined;
  return () => {
    closed = isListening(claim.basePort) ? undefined : (closed ?? Date.now());
    return closed !== undefined && Date.now() - closed > EXIT_TIMEOUT_MS;
  };
}
