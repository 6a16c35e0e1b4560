/** What comes of asking a host, and what is wrong with it. Pure. */
import { createHash } from "node:crypto";
import { hostCommand, type HostLayout } from "../../../model/hostLayout";
import { HOW_TO_GET } from "../../../ssh/keyLine";
import type { Problem } from "../../rules/problems";
import type { Refusal } from "../../../ssh/answer";

/** `expectedKey`: as the arguments have it, normalised. */
export function problemOf(refusal: Refusal, name: string, expectedKey: string): Problem {
  const path = (property: string): string => [name, ...(refusal.at === "proxy" ? ["proxy"] : []), property].join(".");
  if ("shownKey" in refusal)
    return {
      path: path("hostKey"),
      reason: `is ${fingerprint(expectedKey.split(" ")[1]!)}, and the host shows ${fingerprint(refusal.shownKey)}: nothing was sent to it`,
      advice: `where it was not set up anew, somebody may be between you and the host; else it has a new key: ${HOW_TO_GET}`,
    };
  if ("isMute" in refusal)
    return {
      path: path("host"),
      reason: "takes connections and does not answer: it hangs, or something that is no SSH server listens there",
      advice: "look at it on its console, or correct host and port",
    };
  if ("keyTypes" in refusal)
    return {
      path: path("hostKey"),
      reason: `is of type ${expectedKey.split(" ")[0]}, and the host has none of this type, but ${refusal.keyTypes.join(", ")}`,
      advice: "give its ed25519 or ECDSA key; on the host itself: cat /etc/ssh/ssh_host_*_key.pub",
    };
  if ("unusable" in refusal) return { path: path(refusal.unusable), ...unusable(refusal.unusable, refusal.because) };
  const { user, tried, possible } = refusal;
  const isUntried = tried.every((way) => way === "none");
  return isUntried
    ? {
        path: path("privateKey"),
        reason: `is missing, as is every other way to log in; the host lets in by ${possible.join(" or ") || "none"}`,
        advice: "give privateKey or password, or run an SSH agent that has the key (SSH_AUTH_SOCK)",
      }
    : {
        path: path("user"),
        reason: `the host refuses the login of ${user}, by ${tried.filter((way) => way !== "none").join(" and ")}`,
        advice: `check that ${user} exists there, is neither locked nor expired, and knows this key (~/.ssh/authorized_keys) or password; the host's own log says more: journalctl -t sshd -t sshd-session`,
      };
}

/** A login that leads to no shell, e.g. because the account may only forward or must change its password first. */
export function noShell(name: string, user: string, { output, errors }: { output: string; errors: string }): Problem {
  const said = `${errors}\n${output}`.split("\n").find((line) => line.trim() !== "") ?? "";
  const line = said
    .replace(/[^\x20-\x7e]/g, "")
    .trim()
    .slice(0, LONGEST_QUOTE);
  return {
    path: `${name}.user`,
    reason: `${user} can log in, but not run \`sh\` on the host${line && `, which says: ${line}`}`,
    advice: `give ${user} a login shell (chsh -s /bin/sh ${user}), or log in as another user`,
  };
}

/** It did not say what our script and our program say. */
export const strangeAnswer = ({ name, layout }: { name: string; layout: HostLayout }): Problem => ({
  path: `${name}.host`,
  reason: "could not be looked at: what it answers is no answer of this package, and is not shown for that reason",
  advice: `look at ${hostCommand(layout.root)} there: somebody may have put another program in its place`,
});

const LONGEST_QUOTE = 200;

function unusable(property: string, because: string): Pick<Problem, "reason" | "advice"> {
  if (property === "hostKey") return { reason: "is cut off: not the whole public key", advice: HOW_TO_GET };
  if (property === "agentSocketPath")
    return {
      reason: `the SSH agent cannot be reached: ${because}`,
      advice: "start it again (ssh-agent), or unset SSH_AUTH_SOCK where it is not needed",
    };
  if (property === "privateKeyPassword")
    return { reason: "is not the passphrase of privateKey", advice: "correct it: ssh-keygen -y -f KEY asks for it" };
  return {
    reason: `cannot be used: ${because}`,
    advice: "give the whole file of a private key, and its passphrase in privateKeyPassword where it has one",
  };
}

/** As `ssh-keygen -l` shows a key. */
function fingerprint(base64: string): string {
  const key = Buffer.from(base64, "base64");
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
  const digest = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
  return `${/^[\w@.-]+$/.test(type) ? type : "unknown"} SHA256:${digest}`;
}
