/** docs/reference.md: every argument and output of the public names. */
import { it } from "vitest";
import { expectCurrent } from "./page";
import { referencePage } from "./reference";

it("docs/reference.md is current", () => expectCurrent("docs/reference.md", referencePage()));
