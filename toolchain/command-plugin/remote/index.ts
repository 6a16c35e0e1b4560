/** What needs SSH. It is a bundle of its own: who has local commands only must not load it. */
export { runRemotely } from "./run";
