/** One of each resource of the double: an image, a network, a volume, and a container that uses them. */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

const {
  TEST_HOST,
  TEST_SSH_OPTIONS,
  TEST_LABEL = "a",
  TEST_IMAGE = "",
  TEST_HEALTH = "true",
  TEST_PORT,
  TEST_READ_ONLY,
} = process.env;
const provider = new docker.Provider("engine", {
  host: TEST_HOST!,
  ...(TEST_SSH_OPTIONS !== undefined && { sshOpts: TEST_SSH_OPTIONS.split(" ") }),
});
const options = { provider };
const image = new docker.RemoteImage("image", { name: TEST_IMAGE, keepLocally: true }, options);
const network = new docker.Network("network", { name: "four" }, options);
const volume = new docker.Volume("volume", {}, options);
const container = new docker.Container(
  "container",
  {
    name: "four",
    image: image.imageId,
    command: ["sh", "-c", "cd /srv && exec httpd -f -p 8080"],
    labels: [
      { label: "b", value: "1" },
      { label: "a", value: TEST_LABEL },
    ],
    envs: ["B=1", "A=2"],
    networksAdvanced: [{ name: network.name, aliases: ["web"] }],
    mounts: [{ type: "volume", source: volume.name, target: "/data" }],
    ports: [{ internal: 8080, external: Number(TEST_PORT), ip: "127.0.0.1" }],
    uploads: [{ file: "/srv/index.html", content: pulumi.secret("canary-uploaded"), permissions: "0444" }],
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    tmpfs: { "/tmp": "mode=1777" },
    init: true,
    readOnly: TEST_READ_ONLY === "true",
    memory: 64,
    destroyGraceSeconds: 10,
    healthcheck: { tests: ["CMD-SHELL", TEST_HEALTH], interval: "1s", timeout: "5s", retries: 1 },
    wait: true,
    waitTimeout: 8,
  },
  options,
);

export const id = container.id;
export const volumeName = volume.name;
