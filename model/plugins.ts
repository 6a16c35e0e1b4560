/**
 * The plugins that OpenClaw knows: each channel but a few is one. Source: the package's own dist/channel-catalog.json and
 * dist/extensions, OpenClaw 2026.9.6; test/host/openclawRules.test.ts compares. Pure.
 */
import { channelNames } from "./channels";
import { objectAt } from "./json";
import type { JsonObject } from "./spec";

/** Plugins inside OpenClaw's own package, by their ids. */
export const BUNDLED: readonly string[] = (
  "a2a active-memory admin-http-rpc alibaba anthropic apple-fm azure-speech beam bonjour browser canvas clawrouter " +
  "code-mode-quickjs copilot-proxy crabbox cua-computer deepgram device-pair document-extract elevenlabs fal " +
  "file-transfer geolocation github github-copilot google huggingface image-generation-core imap linux-node litellm " +
  "llm-task lmstudio logbook memory-core memory-wiki microsoft microsoft-foundry migrate-claude migrate-hermes minimax " +
  "nvidia oc-path ollama onepassword openai opencode-go openrouter policy reef runway senseaudio session-share sglang " +
  "talk-voice telegram together tts-local-cli vault vllm web-readability webhooks workboard xai"
).split(" ");

/** Channels that need no plugin besides. */
export const BUILT_IN = ["telegram", "a2a", "reef"];

/** The channels of a configuration that are plugins. */
export const pluginChannels = (config: JsonObject): string[] =>
  channelNames(config).filter((channel) => !BUILT_IN.includes(channel));

/** Channels whose plugin is OpenClaw's own package @openclaw/CHANNEL, in the version of OpenClaw. */
export const OFFICIAL: readonly string[] = (
  "buzz clickclack discord feishu googlechat imessage irc line matrix mattermost msteams nextcloud-talk nostr raft " +
  "signal slack sms synology-chat tlon twitch whatsapp zalo zalouser"
).split(" ");

/** A package of a plugin. */
export interface PluginPackage {
  /** Id of the plugin. */
  readonly plugin: string;
  readonly name: string;
  /** Absent: that of OpenClaw. */
  readonly version?: string;
}

/** Plugins of other channels, in the versions that OpenClaw's catalog names. */
export const OTHERS: Readonly<Record<string, PluginPackage>> = {
  "openclaw-weixin": { plugin: "openclaw-weixin", name: "@tencent-weixin/openclaw-weixin", version: "2.4.8" },
  "openclaw-zaloclawbot": {
    plugin: "openclaw-zaloclawbot",
    name: "@zalo-platforms/openclaw-zaloclawbot",
    version: "0.1.4",
  },
  qqbot: { plugin: "openclaw-qqbot", name: "@tencent-connect/openclaw-qqbot", version: "2.0.3" },
  wecom: { plugin: "wecom-openclaw-plugin", name: "@wecom/wecom-openclaw-plugin", version: "2026.7.2" },
  yuanbao: { plugin: "openclaw-plugin-yuanbao", name: "openclaw-plugin-yuanbao", version: "2.18.2" },
};

/** Plugins of OpenClaw's own that are packages of their own but no channels, by what follows the id in the package's name. */
const OWN_PACKAGES: Readonly<Record<string, string>> = {
  "":
    "acpx codex copilot diagnostics-otel diagnostics-prometheus diffs diffs-language-pack facetime fish-audio-speech " +
    "google-meet lobster memory-lancedb onnx team-reports teams-meetings tokenjuice typesafe voice-call zoom-meetings",
  "-plugin": "brave duckduckgo exa firecrawl parallel perplexity searxng tavily",
  "-provider":
    "llama-cpp amazon-bedrock amazon-bedrock-mantle anthropic-vertex arcee baseten byteplus cerebras chutes cohere " +
    "cloudflare-ai-gateway comfy deepinfra deepseek featherless gmi longcat meta mistral novita opencode groq kilocode " +
    "kimi opencode-go pixverse qianfan qwen radius fireworks moonshot tencent venice vercel-ai-gateway vydra xiaomi zai " +
    "synthetic voyage volcengine stepfun",
  "-sandbox": "mxc openshell",
  "-speech": "gradium inworld",
};

/** Their packages, by the ids of the plugins; each is published in OpenClaw's versions. */
export const OWN_PLUGINS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(OWN_PACKAGES).flatMap(([suffix, ids]) => ids.split(" ").map((id) => [id, `@openclaw/${id}${suffix}`])),
);

export const packageOf = (channel: string): PluginPackage | undefined =>
  OFFICIAL.includes(channel) ? { plugin: channel, name: `@openclaw/${channel}` } : OTHERS[channel];

/** The plugins of channels. */
export const CHANNEL_PLUGINS: readonly PluginPackage[] = [...OFFICIAL, ...Object.keys(OTHERS)].map((channel) =>
  packageOf(channel)!,
);

/**
 * A configuration without its channels' plugins. OpenClaw would look for each at the registry, for 70 s where there is none;
 * also for one that only a variable of the environment hints at. Source: measured, 2026.9.6: 162 s with two, 9 s without.
 */
export function withoutChannelPlugins(config: JsonObject): JsonObject {
  const off = { enabled: false };
  const channels = pluginChannels(config).map((name) => [name, off] as const);
  const entries = CHANNEL_PLUGINS.map(({ plugin }) => [plugin, off] as const);
  return {
    ...config,
    channels: { ...objectAt(config, "channels"), ...Object.fromEntries(channels) },
    plugins: {
      ...objectAt(config, "plugins"),
      entries: { ...objectAt(config, "plugins.entries"), ...Object.fromEntries([...channels, ...entries]) },
    },
  };
}
