/**
 * A stand-in for version 1.2.1 of Pulumi's command plugin, for machines where the official one cannot be had. It is
 * started and spoken to as any plugin is: the engine's address is the last argument, the port is printed.
 *
 * It has what this package sends and reads: command:local:Command and command:remote:Command, and of these not all inputs
 * (`here` in fields.ts). What needs SSH is a bundle of its own (remote/), loaded once it is needed. test/plugin compares all
 * of it with the official plugin wherever that is installed. What differs, and is meant to:
 *
 * - Whatever else is asked of it is refused, with what to do: other types and inputs, command:local:run, customTimeouts,
 *   assets, archives and resources as triggers. It has no schema.
 * - A remote command says that the previous output is not wanted as variables, which hardly any host accepts.
 * - A host that takes a connection and says nothing is given up at a cancel. The official plugin waits for ever;
 *   `perDialTimeout` is for the TCP connection alone.
 * - No remote command is begun after a cancel.
 * - A remote command's connection is closed when the command has ended, not when the plugin ends.
 * - What a remote command still writes after a cancel is shown. Both plugins wait for its end.
 * - A line of output of 64 KiB or more is logged like any other. The official plugin waits for ever.
 * - Of an error text of 60 KB or more the middle is left out: Node.js sends no longer header.
 * - A secret within `triggers` stays secret and where it is. The official plugin fails a preview where one is not known
 *   yet, and below the second level it may make plain what is secret and the other way round.
 * - A change within an object in `triggers` is shown as one of the object.
 * - Check hands back other inputs than the official plugin's where it also has failures; the engine then ignores them.
 * - Wrong types are told in fewer words, and inputs are checked once: the engine asks before each step.
 * - Provider inputs are not decoded from JSON. There are none but the version.
 * - It ends when the engine was killed. The official plugin stays.
 *
 * What Node cannot do, or not without much ado:
 *
 * - Commands get the hard limit of open files as their soft limit, too.
 * - Bytes in the environment that are not UTF-8 do not reach commands unharmed.
 * - The error text of a crash lacks "(core dumped)".
 * - A private key that is damaged, and an agent that breaks off, are told in fewer words.
 * - Certificates and hardware tokens are no host keys.
 * - An error by `perDialTimeout` has the code of any other error.
 */
import { Provider } from "./provider";
import { serve } from "./serve";

serve(new Provider());
