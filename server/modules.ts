// Which modules does this server have? Those that it was put together with: the list is made above the server and the modules
// (modules/mod.ts), and an entry hands it in before anything else happens. So the server knows no module by name. Those that LoadModule
// lines of the configuration name come before them.

import type { ServerModule } from "./request/module.ts";

let given: readonly ServerModule[] | undefined;
let loaded: readonly ServerModule[] = [];

/** Puts the server together with `list`, in this process or thread. The order is the one in which hooks are asked. */
export function setModules(list: readonly ServerModule[]): void {
  given = list;
}

/** The configuration in force, or the one that is being read, has these of third parties. */
export function setLoadedModules(list: readonly ServerModule[]): void {
  loaded = list;
}

/** Those of third parties. */
export function loadedModules(): readonly ServerModule[] {
  return loaded;
}

/** All modules, in that order. @throws Error when none have been handed in, which is a mistake of an entry */
export function modules(): readonly ServerModule[] {
  if (given === undefined) throw new Error("the server was put together without modules");
  return loaded.length === 0 ? given : [...loaded, ...given];
}
