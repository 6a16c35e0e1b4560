/** How npm installs a release, on a host as on the deployer. */
import { manifestFor, lockedPlugins, unpack } from "./packageLock";
import { type HostLayout, SYSTEM_PATH } from "./hostLayout";

/** What npm needs from the deployer's environment to reach its registry. */
const NPM_VARIABLE =
  /^(HOME|NPM_TOKEN|NODE_AUTH_TOKEN|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|npm_config_\w+|https?_proxy|no_proxy|all_proxy)$/i;

/** Environment of the worker that installs releases: npm's settings and nothing else from the deployer. */
export function workerEnvironment(
  environment: NodeJS.ProcessEnv,
  { registry }: Pick<HostLayout, "registry"> = {},
): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => NPM_VARIABLE.test(entry[0]) && entry[1] !== undefined,
  );
  return {
    PATH: SYSTEM_PATH,
    LANG: "C.UTF-8",
    ...Object.fromEntries(kept),
    ...(registry !== undefined && { npm_config_registry: registry }),
  };
}

/** For every installation of a release, here and on the deployer, however the user's npm is configured. */
export const INSTALL_FLAGS = [
  "--install-strategy=hoisted",
  "--no-legacy-peer-deps",
  "--include=optional",
  "--include=peer",
  "--ignore-scripts",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--loglevel=error",
];
export const PACKAGE_LOCK_FILE = "package-lock.json";

/** What npm reads in the directory that it installs into, by file name. */
export const manifestFiles = (version: string, packages: string | undefined): Readonly<Record<string, string>> =>
  packages === undefined
    ? { "package.json": "{}\n" }
    : { "package.json": manifestFor(version, lockedPlugins(packages)), [PACKAGE_LOCK_FILE]: unpack(packages) };

/** npm's arguments for the installation; without a lock, as it was before locks existed. */
export const installArguments = (directory: string, version: string, packages: string | undefined): string[] =>
  packages === undefined
    ? ["install", "--prefix", directory, ...INSTALL_FLAGS, `openclaw@${version}`]
    : ["ci", "--prefix", directory, ...INSTALL_FLAGS];

/** Whether npm says that a package is not the one that is locked. */
export const isChangedPackage = (stderr: string): boolean => stderr.includes("EINTEGRITY");
export const CHANGED_PACKAGE =
  "do not use this registry, and tell its operator: it serves a package that differs from the one that was locked";
