/** docs/ports.svg: drawn from the same port rules and paths as the gateways get. */
import { it } from "vitest";
import { expectCurrent } from "./page";
import { portsPicture } from "./portsPicture";

it("docs/ports.svg is current", () => expectCurrent("docs/ports.svg", portsPicture()));
