/**
 * Keys that OpenClaw's configuration once had. Source: the rules of its `doctor`, OpenClaw 2026.9.6 (dist/legacy-*.mjs);
 * test/host/openclawRules.test.ts compares. Pure.
 */
import type { Json } from "../../../model/spec";
import { valueAlong } from "../problems";

/** What each is called now; `*` is any name. */
export const FORMER_KEYS: Readonly<Record<string, string>> = {
  "agents.defaults.embeddedPi": "agents.defaults.embeddedAgent",
  "agents.defaults.llm": "models.providers.<id>.timeoutSeconds",
  "agents.defaults.memorySearch": "memory.search",
  "agents.defaults.promptOverlays.gpt5.personality": "plugins.entries.openai.config.personality",
  "agents.defaults.sandbox.perSession": "agents.defaults.sandbox.scope",
  "agents.entries.*.embeddedPi": "agents.entries.*.embeddedAgent",
  "agents.entries.*.memorySearch": "agents.entries.*.memory.search",
  "agents.entries.*.sandbox.perSession": "agents.entries.*.sandbox.scope",
  "agents.list": "agents.entries",
  audit: "logging.audit",
  "channels.telegram.groupMentionsOnly": 'channels.telegram.groups."*".requireMention',
  "channels.telegram.requireMention": 'channels.telegram.groups."*".requireMention',
  defaultModel: "agents.defaults.model",
  "gateway.nodes.allowCommands": "gateway.nodes.commands.allow",
  "gateway.nodes.denyCommands": "gateway.nodes.commands.deny",
  "gateway.nodes.skills.enabled": "gateway.nodes.allowSkills",
  heartbeat: "agents.defaults.heartbeat",
  media: "attachments",
  memorySearch: "memory.search",
  "messages.messagePrefix": "channels.whatsapp.responsePrefix",
  "messages.tts": "tts",
  "routing.allowFrom": "channels.whatsapp.allowFrom",
  "routing.groupChat.historyLimit": "messages.groupChat.historyLimit",
  "routing.groupChat.mentionPatterns": "messages.groupChat.mentionPatterns",
  "routing.groupChat.requireMention": 'channels.<channel>.groups."*".requireMention',
  "session.idleMinutes": "session.reset.idleMinutes",
  "session.maintenance.pruneDays": "session.maintenance.pruneAfter",
  "session.resetByType.dm": "session.resetByType.direct",
  "session.threadBindings.ttlHours": "session.threadBindings.idleHours",
  "session.typingMode": "agents.defaults.typingMode",
  "skills.workshop.autonomous.enabled": "skills.workshop.autonomous.mode",
  "tools.codeMode.runtime": "tools.codeMode.executor",
  "tools.experimental.planTool": "tools.updatePlan",
  "tools.web.x_search.apiKey": "plugins.entries.xai.config.webSearch.apiKey",
  "web.enabled": "channels.whatsapp.enabled",
};

/** Those without a successor. */
export const RETIRED_KEYS: readonly string[] = [
  "agents.defaults.compaction.truncateAfterCompaction",
  "agents.defaults.embeddedHarness",
  "agents.defaults.silentReply.direct",
  "agents.defaults.silentReplyRewrite",
  "agents.defaults.systemPromptOverride",
  "agents.entries.*.embeddedHarness",
  "agents.entries.*.systemPromptOverride",
  "attachments.preserveFilenames",
  "browser.color",
  "channels.telegram.dm",
  "channels.telegram.includeGroupHistoryContext",
  "commands.modelsWrite",
  "crestodian",
  "cron.runLog",
  "cron.webhook",
  "gateway.controlUi.chatMessageMaxWidth",
  "gateway.controlUi.toolTitles",
  "gateway.tailscale.resetOnExit",
  "gateway.tailscale.serviceName",
  "gateway.webchat",
  "hooks.internal.handlers",
  "messages.removeAckAfterReply",
  "messages.statusReactions.emojis",
  "messages.suppressToolErrors",
  "models.pricing",
  "session.maintenance.rotateBytes",
  "session.parentForkMaxTokens",
  "skills.load.watchDebounceMs",
  "skills.workshop.allowSymlinkTargetWrites",
  "tools.codeMode.languages",
  "tui",
  "ui.assistant",
  "wizard.localModelLeanAutoModel",
];

/** What to do about a key that OpenClaw does not know, or about keys inside of it; undefined if it never knew them. */
export function formerAdvice(keys: readonly string[], value: Json | undefined): string | undefined {
  const path = keys.join(".");
  const renamed = Object.entries(FORMER_KEYS).flatMap(([former, now]) => {
    const found = foundAt(former, keys, value);
    if (found === undefined) return [];
    const names = keys.filter((_, index) => former.split(".")[index] === "*");
    return [
      `${found === path ? "it" : found} is called ${names.reduce((text, name) => text.replace("*", name), now)} now`,
    ];
  });
  if (renamed.length) return renamed.join("; ");
  return RETIRED_KEYS.some((former) => foundAt(former, keys, value) === path)
    ? "remove it: OpenClaw has no such setting any more"
    : undefined;
}

/** The whole path of a former key, if it is the key itself or inside of its value. */
function foundAt(former: string, keys: readonly string[], value: Json | undefined): string | undefined {
  const parts = former.split(".");
  const isHere = keys.every((key, index) => parts[index] === "*" || parts[index] === key);
  const rest = parts.slice(keys.length);
  if (keys.length > parts.length || !isHere) return undefined;
  return rest.length && valueAlong(value, rest) === undefined ? undefined : [...keys, ...rest].join(".");
}
