/** Gateways in containers. Loaded by requests about them only. */
export { check, claim, clearUnfinished, health, healthIn, leave, stage } from "./gateway";
export { look } from "./look";
