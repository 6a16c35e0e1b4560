/**
 * What OpenClaw refuses although its published schema does not say so. Source: the rules beside the schema of OpenClaw
 * 2026.9.6 (dist/zod-schema.*.mjs). Pure.
 */
import { isObject, objectAt, valueAt } from "../../../model/json";
import type { JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";

/** `path`: of the configuration. */
export const beyondSchema = (config: JsonObject, path: string): Problem[] => [
  ...formerSearch(config, path),
  ...roster(config, path),
];

/** Providers of the web search that once had their settings there. */
const SEARCH_PROVIDERS = [
  "brave",
  "duckduckgo",
  "exa",
  "firecrawl",
  "gemini",
  "grok",
  "kimi",
  "minimax",
  "ollama",
  "perplexity",
  "searxng",
  "tavily",
];

const formerSearch = (config: JsonObject, path: string): Problem[] =>
  Object.entries(objectAt(config, "tools.web.search"))
    .filter(([key, value]) => key === "apiKey" || (SEARCH_PROVIDERS.includes(key) && isObject(value)))
    .map(([key]) => ({
      path: `${path}.tools.web.search.${key}`,
      reason: "is where a former version of OpenClaw had it",
      advice: `it is called plugins.entries.<plugin>.config.webSearch${key === "apiKey" ? ".apiKey" : ""} now`,
    }));

/** Of several agents one was the default; now each is what its bindings say. */
function roster(config: JsonObject, path: string): Problem[] {
  const agents = Object.entries(objectAt(config, "agents.entries"));
  const defaults = agents.filter(([, agent]) => isObject(agent) && agent.default === true).map(([id]) => id);
  const isExplicit = valueAt(config, "agents.ownership") === "explicit";
  if (defaults.length > 1)
    return [
      {
        path: `${path}.agents.entries`,
        reason: `has more than one default agent: ${defaults.join(", ")}`,
        advice: "leave `default` at one of them",
      },
    ];
  if (isExplicit && defaults.length)
    return [
      {
        path: `${path}.agents.entries.${defaults[0]}.default`,
        reason: 'does not go together with agents.ownership: "explicit"',
        advice: "remove one of them",
      },
    ];
  if (agents.length < 2 || isExplicit || defaults.length) return [];
  return [
    {
      path: `${path}.agents.ownership`,
      reason: "is missing: with several agents OpenClaw does not guess which of them owns what",
      advice: 'add agents.ownership: "explicit"',
    },
  ];
}
