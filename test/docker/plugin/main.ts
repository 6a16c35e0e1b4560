/**
 * A double of Pulumi's docker plugin for tests: it cannot be had on machines that download nothing from Pulumi. It is
 * started and spoken to as any plugin is, and drives a real engine.
 *
 * Its four types have the properties of @pulumi/docker's typings. An input that it does not know is refused. What
 * replaces and what does not, what a refresh sees and when a creation fails is as in the official
 * plugin, as far as it was measured or read in its source (kreuzwerker/terraform-provider-docker). It pulls no images.
 */
import { serve } from "../../../toolchain/command-plugin/serve";
import { Provider } from "./provider";

serve(new Provider());
