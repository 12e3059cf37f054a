/**
 * mpmd: an HTTP server for Deno, built as Apache httpd is built. Run it (`deno run -A mod.ts`), or take the types that an
 * application needs from here.
 *
 * @module
 */

import { start } from "./server/start.ts";

export type { Application, FetchInfo } from "./modules/app/mod.ts";
export { VERSION } from "./server/version.ts";

if (import.meta.main) Deno.exit(await start(Deno.args, import.meta.url));
