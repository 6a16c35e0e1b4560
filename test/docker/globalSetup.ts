/** Once before the tests on a Docker engine. */
export { prepareDocker as setup } from "./dockerd";
