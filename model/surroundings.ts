/** What a gateway's container has around it besides its own network and volumes. Pure. */

export interface Surroundings {
  /** Docker networks that it joins. */
  readonly networks?: readonly string[];
  /** Host names that it knows: each with an IP address, or `host-gateway`. */
  readonly extraHosts?: Readonly<Record<string, string>>;
}
