/** Has a lab with one host, says so, and waits to be killed. */
import { Lab } from "../lab";

void Lab.start()
  .then((lab) => lab.host({ debian: "bookworm", diskMegabytes: 64 }))
  .then(() => console.log("ready"));
setInterval(() => undefined, 1_000);
