/** Secrets of every gateway, by the variables that OpenClaw reads them from. Source: OpenClaw 2026.9.6. */
export const GATEWAY_TOKEN_VARIABLE = "OPENCLAW_GATEWAY_TOKEN";
export const BOT_TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN";

export type SecretName = typeof GATEWAY_TOKEN_VARIABLE | typeof BOT_TOKEN_VARIABLE;
