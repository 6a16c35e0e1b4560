/**
 * What stands in the state of deployed stacks. A change here restarts or replaces every gateway of every user at their
 * next `up`, and old texts still run when they destroy: so do not change them; add.
 */
import { expect, it } from "vitest";
import { runAtDestroy, runDeployer } from "../../components/targets/deployerCommand";
import { ifInstalled, keeps, specOf } from "../../components/targets/hostGateway";
import { processOf } from "../../host/generation";
import {
  cpusText,
  COMMAND,
  CONTAINER_PATHS,
  CONTAINER_PORT,
  CONTAINER_SANDBOX_PORT,
  ENVIRONMENT,
  LABELS,
  namesOf,
  STOP_SECONDS,
  TMPFS,
  USER,
  WORKING_DIRECTORY,
} from "../../model/containerLayout";
import { inContainer, resolved } from "./gateways";

it("the delete text of a gateway is frozen", () => {
  expect(keeps("/home/claw/.openclaw")).toBe(": keeps /home/claw/.openclaw");
  expect(keeps("/home/some claw")).toBe(": keeps '/home/some claw'");
  expect(ifInstalled("/home/claw", "remove 'main' 'claw-main'")).toBe(
    "if [ -x '/home/claw/.pulumi-openclaw/host' ]; then '/home/claw/.pulumi-openclaw/host' remove 'main' 'claw-main'; fi",
  );
});

it("what runs on the deployer is frozen, on any machine and in any version", () => {
  const program = '"${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-openclaw/containers-1.cjs"';
  expect(runDeployer("containers")).toBe(`node ${program}`);
  expect(runAtDestroy("containers", "leave main")).toBe(
    `if [ -f ${program} ]; then node ${program} leave main; else ` +
      'echo "first run pulumi preview on this machine: it puts the program there that removes this" >&2; exit 1; fi',
  );
  expect(runDeployer("hosts")).toBe('node "${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-openclaw/deployer-3.cjs"');
});

const ARGUMENTS = {
  basePort: 18789,
  telegram: { botToken: "t", allowFrom: ["4242"], apiRoot: "http://127.0.0.1:1" },
  browser: { profiles: { work: { cdpPort: 18805 } } },
  config: { update: { channel: "stable" } },
};
const full = () => resolved("main", ARGUMENTS);

it("the spec of a gateway is frozen", () => {
  expect(JSON.stringify(specOf(full(), "rescue"), null, 1)).toMatchInlineSnapshot(`
    "{
     "format": 1,
     "version": "2026.9.6",
     "profile": "default",
     "stateDir": "/home/claw/.openclaw",
     "workspace": "/home/claw/.openclaw/workspace",
     "config": {
      "agents": {
       "defaults": {
        "workspace": "/home/claw/.openclaw/workspace"
       }
      },
      "browser": {
       "profiles": {
        "work": {
         "cdpPort": 18805
        }
       }
      },
      "channels": {
       "telegram": {
        "allowFrom": [
         "4242"
        ],
        "apiRoot": "http://127.0.0.1:1",
        "botToken": {
         "id": "/TELEGRAM_BOT_TOKEN",
         "provider": "pulumi-openclaw",
         "source": "file"
        },
        "configWrites": false,
        "dmPolicy": "allowlist",
        "enabled": true
       }
      },
      "commands": {
       "ownerAllowFrom": [
        "telegram:4242"
       ]
      },
      "discovery": {
       "mdns": {
        "mode": "off"
       }
      },
      "gateway": {
       "auth": {
        "mode": "token",
        "token": {
         "id": "/OPENCLAW_GATEWAY_TOKEN",
         "provider": "pulumi-openclaw",
         "source": "file"
        }
       },
       "bind": "loopback",
       "mode": "local",
       "port": 18789,
       "reload": {
        "mode": "hybrid"
       }
      },
      "logging": {
       "file": "/home/claw/.openclaw/logs/openclaw.log"
      },
      "update": {
       "channel": "stable",
       "checkOnStart": false
      }
     },
     "partner": "rescue"
    }"
  `);
});

it("what needs another process of a gateway", () => {
  const spec = specOf(full(), "rescue");
  const name = (change: object) => processOf({ ...spec, ...change }, "nonce", "2026.9.6");
  expect(name({})).toMatchInlineSnapshot(`"49ed9392638cec74"`);
  expect(name({ config: { ...spec.config, session: { scope: "global" } }, partner: "other", force: true })).toBe(
    name({}),
  );
  const others = [{ version: "2026.9.7" }, { stateDir: "/elsewhere" }, { config: { gateway: { port: 1 } } }];
  expect(others.filter((change) => name(change) === name({}))).toEqual([]);
});

it("what a container is given is frozen", () => {
  expect({ COMMAND, WORKING_DIRECTORY, ENVIRONMENT, TMPFS, USER, STOP_SECONDS }).toMatchInlineSnapshot(`
    {
      "COMMAND": [
        "node",
        "--env-file=/etc/openclaw-secrets/env",
        "dist/index.js",
        "gateway",
        "--bind",
        "lan",
        "--port",
        "18789",
      ],
      "ENVIRONMENT": {
        "HOME": "/home/node/.openclaw/home",
        "NODE_COMPILE_CACHE": "/home/node/.openclaw/cache/node-compile",
        "OPENCLAW_CONFIG_PATH": "/etc/openclaw/openclaw.json",
        "OPENCLAW_CONFIG_READONLY": "1",
        "OPENCLAW_DISABLE_BONJOUR": "1",
        "OPENCLAW_NO_AUTO_UPDATE": "1",
        "OPENCLAW_STATE_DIR": "/home/node/.openclaw",
      },
      "STOP_SECONDS": 60,
      "TMPFS": {
        "/tmp": "mode=1777",
      },
      "USER": 1000,
      "WORKING_DIRECTORY": "/app",
    }
  `);
  expect({ CONTAINER_PATHS, CONTAINER_PORT, CONTAINER_SANDBOX_PORT }).toMatchInlineSnapshot(`
    {
      "CONTAINER_PATHS": {
        "config": "/etc/openclaw",
        "configFile": "/etc/openclaw/openclaw.json",
        "env": "/etc/openclaw-secrets/env",
        "health": "/etc/openclaw/health.mjs",
        "secrets": "/etc/openclaw-secrets",
        "state": "/home/node/.openclaw",
        "workspace": "/home/node/.openclaw/workspace",
      },
      "CONTAINER_PORT": 18789,
      "CONTAINER_SANDBOX_PORT": 18790,
    }
  `);
});

it("the names and labels of a gateway's objects on an engine are frozen", () => {
  expect(namesOf("claw-dev-main")).toMatchInlineSnapshot(`
    {
      "container": "claw-dev-main",
      "network": "claw-dev-main",
      "state": "claw-dev-main-state",
      "workspace": "claw-dev-main-workspace",
    }
  `);
  expect(LABELS).toMatchInlineSnapshot(`
    {
      "digest": "pulumi-openclaw.digest",
      "gateway": "pulumi-openclaw.gateway",
      "generation": "pulumi-openclaw.generation",
      "limits": "pulumi-openclaw.limits",
      "owner": "pulumi-openclaw.owner",
      "role": "pulumi-openclaw.role",
      "stack": "pulumi-openclaw.stack",
    }
  `);
});

it("the configuration of a gateway in a container is frozen", () => {
  expect(JSON.stringify(inContainer("main", ARGUMENTS).config, null, 1)).toMatchInlineSnapshot(`
    "{
     "agents": {
      "defaults": {
       "workspace": "/home/node/.openclaw/workspace"
      }
     },
     "browser": {
      "profiles": {
       "work": {
        "cdpPort": 18805
       }
      }
     },
     "channels": {
      "telegram": {
       "allowFrom": [
        "4242"
       ],
       "apiRoot": "http://127.0.0.1:1",
       "botToken": {
        "id": "value",
        "provider": "telegram_bot_token",
        "source": "file"
       },
       "configWrites": false,
       "dmPolicy": "allowlist",
       "enabled": true
      }
     },
     "commands": {
      "ownerAllowFrom": [
       "telegram:4242"
      ]
     },
     "discovery": {
      "mdns": {
       "mode": "off"
      }
     },
     "gateway": {
      "auth": {
       "mode": "token",
       "rateLimit": {
        "lockoutMs": 300000,
        "maxAttempts": 10,
        "windowMs": 60000
       },
       "token": {
        "id": "value",
        "provider": "openclaw_gateway_token",
        "source": "file"
       }
      },
      "bind": "lan",
      "controlUi": {
       "allowedOrigins": [
        "http://127.0.0.1:18789",
        "http://localhost:18789"
       ]
      },
      "mode": "local",
      "port": 18789,
      "reload": {
       "mode": "off"
      }
     },
     "logging": {
      "file": "/home/node/.openclaw/logs/openclaw.log"
     },
     "secrets": {
      "providers": {
       "openclaw_gateway_token": {
        "mode": "singleValue",
        "path": "/etc/openclaw-secrets/OPENCLAW_GATEWAY_TOKEN",
        "source": "file"
       },
       "telegram_bot_token": {
        "mode": "singleValue",
        "path": "/etc/openclaw-secrets/TELEGRAM_BOT_TOKEN",
        "source": "file"
       }
      }
     },
     "update": {
      "channel": "stable",
      "checkOnStart": false
     }
    }"
  `);
});

it("what a container has around it is frozen", () => {
  const { surroundings } = inContainer("main", {
    networks: ["b", "a"],
    extraHosts: { db: "10.0.0.7", ai: "host-gateway" },
    mounts: [
      { source: "/srv/b", target: "/b" },
      { source: "/srv/a", target: "/a", readOnly: true },
    ],
    publish: [4000, 3978],
  });
  expect(JSON.stringify(surroundings)).toMatchInlineSnapshot(
    `"{"networks":["a","b"],"extraHosts":{"ai":"host-gateway","db":"10.0.0.7"},"publish":[3978,4000],"mounts":[{"source":"/srv/a","target":"/a","readOnly":true},{"source":"/srv/b","target":"/b"}]}"`,
  );
  expect(full()).not.toHaveProperty("surroundings");
  expect(inContainer("main", ARGUMENTS)).not.toHaveProperty("surroundings");
});

it("the format of cpus is frozen, as the docker plugin reads them back", () => {
  // From its own code, run with these numbers.
  const texts = {
    0.1: "0.1",
    0.5: "0.5",
    1: "1.0",
    1.05: "1.05",
    1.5: "1.5",
    2: "2.0",
    2.5: "2.5",
    10: "10.",
    12: "12.0",
    10.5: "10.5",
  };
  for (const [cpus, text] of Object.entries(texts)) expect(cpusText(Number(cpus))).toBe(text);
});
