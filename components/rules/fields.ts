/** Parts of schemas. */
import * as z from "zod";

/** A schema for each argument that an interface declares: none left out, none added, each taking what it declares. */
export type Schemas<Args> = { readonly [Name in keyof Args]-?: z.ZodType<unknown, Args[Name]> };

export const absolutePath = z
  .string()
  .regex(/^\/(?!$)[^\0\n]*$/, "must be an absolute path")
  .regex(/^[^'"$`\\]*$/, "must not contain quotes, $ or \\")
  .refine((path) => !/(^|\/)\.\.?(\/|$)/.test(path), "must not contain . or .. as a path segment")
  .transform((path) => path.replace(/\/+/g, "/").replace(/\/$/, ""));
