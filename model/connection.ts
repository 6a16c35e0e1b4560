/** How to reach another host: the `connection` of Pulumi's remote commands. */
export interface Endpoint {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  /** Instead of the one that SSH_AUTH_SOCK names. */
  readonly agentSocketPath?: string;
  /** How often dialling may fail and is tried again; -1 for ever. */
  readonly dialErrorLimit: number;
  /** Seconds for the TCP connection; 0 is for ever. */
  readonly perDialTimeout: number;
  /** A line as ssh-keygen writes it. Without one any host is believed. */
  readonly hostKey?: string;
}
export interface Connection extends Endpoint {
  readonly proxy?: Endpoint;
}
