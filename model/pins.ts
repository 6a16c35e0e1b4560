/** Packages of the npm registry that every host gets, and the sha512 of their archives (hex). */

export const NODE_VERSION = "24.21.0";
export const NPM_VERSION = "11.19.1";

/** Kinds of machines, as npm's packages name them. */
export type Cpu = "x64" | "arm64";

export const NODE_SHA512: Readonly<Record<Cpu, string>> = {
  x64: hex("3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=="),
  arm64: hex("FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g=="),
};
export const NPM_SHA512 = hex(
  "ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==",
);

/** As `npm view NAME dist.integrity` shows them, after `sha512-`. */
function hex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}
