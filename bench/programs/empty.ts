/** Nothing: what Pulumi itself takes. */
export const empty = true;
