// Which version is this, and how does it call itself?

import { systemTitle } from "../platform/detect.ts";
import { serverBanner } from "./http/content/mod.ts";

/** The version of the server; deno.json has the same, which a test makes sure of. */
export const VERSION = "0.1.0";

/** When this version was made. */
export const BUILT = "2026-11-23T00:00:00";

/** "mpmd/0.1.0 (Unix)": what the logs and -v say. */
export const DESCRIPTION: string = serverBanner("Full", {
  version: VERSION,
  platform: systemTitle,
  components: [],
});

/** What -v prints, and -V first. */
export const VERSION_LINES: readonly string[] = [
  `Server version: ${DESCRIPTION}`,
  `Server built:   ${BUILT}`,
];
