// What is a child started with when its application has a Deno configuration of its own? With that application as the main module, so
// that Deno finds its configuration as ever, and this before it: it never comes to the main module.

import { MODULES } from "../modules/mod.ts";
import { runChild } from "../mpm/mod.ts";
import { setModules } from "../server/modules.ts";
import { THREAD_MODULE } from "./thread_module.ts";

setModules(MODULES);
await runChild(THREAD_MODULE);
