/** `make soak` runs rows that are about us with the real OpenClaw in place of the stand-in, and more of what is random. */
export const isSoak = process.env.SOAK === "1";
