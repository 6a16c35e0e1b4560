/** What keeps a gateway running. One implementation per service manager. */
import type { HostGateway } from "../host";

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
  status(gateway: HostGateway): SupervisorStatus;
}
