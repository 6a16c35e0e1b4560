/** A host over SSH. */
export { sshHostSchema, type SshConnectionArgs, type SshHostArgs } from "./arguments";
export { SshHost } from "./sshHost";
