// What do the threads of a process run? The module that its Web Workers load, and the same for a process that is its own thread.

import type { ThreadModule } from "../mpm/mod.ts";
import { prepareProgram } from "../server/prepare_program.ts";
import { createProgram, type ProgramData, type ProgramOrder } from "../server/program.ts";

/** In a bundle the modules that are started have another ending. */
const ENDING = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** For runChild() and runMpm(). */
export const THREAD_MODULE: ThreadModule = {
  worker: new URL(`./thread.${ENDING}`, import.meta.url),
  create: (order) => createProgram(order as ProgramOrder),
  prepare: (program) => prepareProgram(program as ProgramData),
};
