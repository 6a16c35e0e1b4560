/**
 * What stands in the state of deployed stacks. A change here restarts or replaces every gateway of every user at their
 * next `up`, and old texts still run when they destroy: so do not change them; add.
 */
import { expect, it } from "vitest";
import { RUN_DEPLOYER } from "../../components/targets/deployer";
import { ifInstalled, keeps, specOf } from "../../components/targets/hostGateway";
import { generationName } from "../../host/generation";
import { resolved } from "./gateways";

it("the delete text of a gateway", () => {
  expect(keeps("/home/claw/.openclaw")).toBe(": keeps /home/claw/.openclaw");
  expect(keeps("/home/some claw")).toBe(": keeps '/home/some claw'");
  expect(ifInstalled("/home/claw", "remove 'main' 'claw-main'")).toBe(
    "if [ -x '/home/claw/.pulumi-openclaw/host' ]; then '/home/claw/.pulumi-openclaw/host' remove 'main' 'claw-main'; fi",
  );
});

it("what runs on the deployer, on any machine and in any version", () => {
  expect(RUN_DEPLOYER).toBe('node "${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-openclaw/deployer-1.cjs"');
});

const full = () =>
  resolved("main", {
    basePort: 18789,
    telegram: { botToken: "t", allowFrom: ["4242"], apiRoot: "http://127.0.0.1:1" },
    browser: { profiles: { work: { cdpPort: 18805 } } },
    config: { update: { channel: "stable" } },
  });

it("the spec of a gateway", () => {
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
         "id": "TELEGRAM_BOT_TOKEN",
         "provider": "default",
         "source": "env"
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
         "id": "OPENCLAW_GATEWAY_TOKEN",
         "provider": "default",
         "source": "env"
        }
       },
       "bind": "loopback",
       "mode": "local",
       "port": 18789,
       "reload": {
        "mode": "off"
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

it("the name of a generation", () => {
  expect(generationName(specOf(full(), "rescue"), "nonce")).toMatchInlineSnapshot(`"8cc8b70fe9de96c8"`);
});
