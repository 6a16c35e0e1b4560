/** How to help main: read by rescue's agent, and by people who look into its workspace. */
export const GUIDE_FILE = "RESCUE.md";
/** Ends every guide that we write; a file without it is the user's and is kept. */
export const GUIDE_MARK = "`pulumi up` writes this file.";
