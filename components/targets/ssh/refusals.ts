/** The result of asking a host, and what is wrong with it. Pure. */
import { createHash } from "node:crypto";
import { hostCommand, type HostLayout } from "../../../model/hostLayout";
import { HOW_TO_GET } from "../../../ssh/hostKey";
import type { Problem } from "../../rules/problems";
import type { Refusal } from "../../../ssh/answer";

/** `expectedKey`: as given in the arguments, normalised. */
export function problemOf(refusal: Refusal, name: string, expectedKey: string): Problem {
  const path = (property: string): string => [name, ...(refusal.at === "proxy" ? ["proxy"] : []), property].join(".");
  if ("shownKey" in refusal)
    return {
      path: path("hostKey"),
      reason: `is ${keyFingerprint(expectedKey.split(" ")[1]!)}, but the host presents ${keyFingerprint(refusal.shownKey)}: nothing was sent to it`,
      advice: `if the host was not reinstalled, somebody may be intercepting the connection; if it was, set its new key: ${HOW_TO_GET}`,
    };
  if ("isMute" in refusal)
    return {
      path: path("host"),
      reason: "accepts connections but does not answer: it hangs, or something other than an SSH server listens there",
      advice:
        "look on the host's console whether its SSH server runs (systemctl status ssh), or set host and port to where one listens",
    };
  if ("keyTypes" in refusal)
    return {
      path: path("hostKey"),
      reason: `is of type ${expectedKey.split(" ")[0]}, but the host has no key of this type, only ${refusal.keyTypes.join(", ")}`,
      advice: "use its ed25519 or ECDSA key; on the host itself: cat /etc/ssh/ssh_host_*_key.pub",
    };
  if ("unusable" in refusal) return { path: path(refusal.unusable), ...unusable(refusal.unusable, refusal.because) };
  const { user, tried, possible } = refusal;
  const isUntried = tried.every((way) => way === "none");
  return isUntried
    ? {
        path: path("privateKey"),
        reason: `is missing, as is every other way to log in; the host accepts ${possible.join(" or ") || "none"}`,
        advice: "set privateKey or password, or run an SSH agent that has the key (SSH_AUTH_SOCK)",
      }
    : {
        path: path("user"),
        reason: `the host rejects the login of ${user} with ${tried.filter((way) => way !== "none").join(" and ")}`,
        advice: `check that ${user} exists there, is neither locked nor expired, and has this key (~/.ssh/authorized_keys) or password; see the host's own log: journalctl -t sshd -t sshd-session`,
      };
}

/** A login that gets no shell, e.g. because the account may only forward or must change its password first. */
export function noShell(name: string, user: string, { output, errors }: { output: string; errors: string }): Problem {
  const said = `${errors}\n${output}`.split("\n").find((line) => line.trim() !== "") ?? "";
  const line = said
    .replace(/[^\x20-\x7e]/g, "")
    .trim()
    .slice(0, LONGEST_QUOTE);
  return {
    path: `${name}.user`,
    reason: `${user} can log in, but cannot run \`sh\` on the host${line && `, which says: ${line}`}`,
    advice: `give ${user} a login shell (chsh -s /bin/sh ${user}), or log in as another user`,
  };
}

/** The answer is not one that our script or our program gives. */
export const strangeAnswer = ({ name, layout }: { name: string; layout: HostLayout }): Problem => ({
  path: `${name}.host`,
  reason: "could not be inspected: its answer does not come from this package, and is therefore not shown",
  advice: `check ${hostCommand(layout.root)} there: somebody may have replaced it with another program`,
});

const LONGEST_QUOTE = 200;

function unusable(property: string, because: string): Pick<Problem, "reason" | "advice"> {
  if (property === "agentSocketPath")
    return {
      reason: `the SSH agent cannot be reached: ${because}`,
      advice: "restart it (ssh-agent), or unset SSH_AUTH_SOCK if you do not need it",
    };
  if (property === "privateKeyPassword")
    return {
      reason: "is not the passphrase of privateKey",
      advice:
        "set it to the passphrase of that key; ssh-keygen -y -f KEY asks for it, and prints a public key if it is right",
    };
  return {
    reason: `cannot be used: ${because}`,
    advice: "use the whole file of a private key, and set privateKeyPassword if it has a passphrase",
  };
}

/** As `ssh-keygen -l` shows a key. */
function keyFingerprint(base64: string): string {
  const key = Buffer.from(base64, "base64");
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
  const digest = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
  return `${/^[\w@.-]+$/.test(type) ? type : "unknown"} SHA256:${digest}`;
}
