import { everyPoint } from "./everyPoint";
import { RESTORE, UPGRADE, UPGRADE_HELPER } from "./scenarios";

for (const mode of ["kill", "EIO", "full"] as const) everyPoint(mode, [UPGRADE], 24777);
for (const mode of ["kill", "EIO"] as const) everyPoint(mode, [UPGRADE_HELPER, RESTORE], 24777);
