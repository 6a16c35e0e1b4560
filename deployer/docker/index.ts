/** Gateways in containers. Loaded by requests about them only. */
export { checkImage, claim, clearUnfinished, health, healthIn, leave, stage } from "./gateway";
export { look } from "./look";
