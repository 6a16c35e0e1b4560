/**
 * A stand-in for version 1.2.1 of Pulumi's command plugin, for machines where the official one cannot be had. It is
 * started and spoken to as any plugin is: the engine's address is the last argument, the port is printed.
 *
 * Of the plugin's types there are command:local:Command and command:remote:Command; what needs SSH is a bundle of its own
 * (remote/), loaded once it is needed. test/plugin compares them with the official plugin wherever that is installed. What
 * differs, and is meant to:
 *
 * - Other types, command:local:run, `assetPaths` and `archivePaths` are refused, with what to do.
 * - A host that takes a connection and says nothing is given up at a cancel or a time-out. The official plugin waits for
 *   ever; `perDialTimeout` is for the TCP connection alone.
 * - A remote command's connection is closed when the command has ended, not when the plugin ends.
 * - What a remote command still writes after a cancel or a time-out is shown. Both plugins wait for its end.
 * - A connection that is not complete because Check was passed over gets the usual values. The official plugin crashes.
 * - A line of output of 64 KiB or more is logged like any other. The official plugin waits for ever.
 * - A secret within `triggers` stays secret and where it is. The official plugin fails a preview where one is not known
 *   yet, and below the second level it may make plain what is secret and the other way round.
 * - null in a list of strings is refused. The official plugin crashes.
 * - Check hands back other inputs than the official plugin's where it also has failures; the engine then ignores them.
 * - Several failures of one check come in the inputs' order.
 * - Provider inputs are not decoded from JSON. There are none but the version.
 * - The schema has no descriptions.
 * - It ends when the engine was killed. The official plugin stays.
 *
 * What Node cannot do, or not without much ado:
 *
 * - Commands get the hard limit of open files as their soft limit, too.
 * - Bytes in the environment that are not UTF-8 do not reach commands unharmed.
 * - A script without `#!` as the interpreter is run by /bin/sh. The official plugin fails with "exec format error".
 * - The error text of a crash lacks "(core dumped)".
 * - A private key that is damaged, and an agent that breaks off, are told in fewer words.
 * - Certificates and hardware tokens are no host keys.
 * - An error by `perDialTimeout` has the code of any other error.
 */
import { Provider } from "./provider";
import { serve } from "./serve";

serve(new Provider());
