/** What needs SSH. It is a bundle of its own: who has local commands only must not load it. */
export { copyRemotely } from "./copy";
export { runRemotely } from "./run";
