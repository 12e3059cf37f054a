// What is a child started with when its application has a Deno configuration of its own? With that application as the main module, so
// that Deno finds its configuration as ever, and this before it: it never comes to the main module.

import { runChild } from "../mpm/mod.ts";
import { THREAD_MODULE } from "./thread_module.ts";

await runChild(THREAD_MODULE);
