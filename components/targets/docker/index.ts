/** A Docker engine. */
export { dockerEngineSchema, type DockerEngineArgs, type RegistryAuthArgs } from "./arguments";
export { DockerEngine } from "./dockerEngine";
