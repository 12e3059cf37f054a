// What is a child of a bundled server started with? With this before the main module, to which it never comes: that is where Deno looks for a
// configuration from, an application with one of its own, or mod.ts.

import { MODULES } from "../modules/mod.ts";
import { runChild } from "../mpm/mod.ts";
import { setModules } from "../server/modules.ts";
import { THREAD_MODULE } from "./thread_module.ts";

setModules(MODULES);
await runChild(THREAD_MODULE);
