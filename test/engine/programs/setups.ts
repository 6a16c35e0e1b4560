/** Every composition of the "Multiple gateways" page, side by side on one host. */
import { Gateway, GatewayPair, LocalHost, MainGateway, RescueGateway } from "pulumi-openclaw";

const version = "2026.9.6";
const target = new LocalHost("here", { root: process.env.TEST_ROOT!, account: "openclaw-test" });
const pair = new GatewayPair("claw", { target, version, main: { basePort: 26000 }, rescue: { basePort: 26111 } });
new Gateway("ops", {
  target,
  version,
  profile: "ops",
  basePort: 26222,
  browser: { profiles: { work: { cdpPort: 26250 } } },
});

const other = new LocalHost("other", { root: `${process.env.TEST_ROOT!}/other`, account: "openclaw-test" });
new MainGateway("named-main", { target: other, version, profile: "main", basePort: 26333 });
new RescueGateway("named-rescue", { target: other, version, basePort: 26444, env: { KEY: "value" } });

export const cdp = pair.rescue.ports.cdp;
