// What does a process do before its threads start? Its modules make of their material what threads can share; the material itself,
// private keys among it, goes no further.

import type { PreparedProgram } from "../mpm/mod.ts";
import { modules } from "./modules.ts";
import type { ProgramData } from "./program.ts";

/** The program for the threads of this process. @throws whatever a module throws that cannot use its material */
export function prepareProgram(data: ProgramData): PreparedProgram {
  const made = modules().flatMap((module) => {
    const material = data.material[module.name];
    if (material === undefined || module.beginProcess === undefined) return [];
    return [{ name: module.name, ...module.beginProcess(material) }];
  });
  const shared = Object.fromEntries(made.map(({ name, shared }) => [name, shared]));
  return {
    program: { ...data, material: {}, shared } satisfies ProgramData,
    end: () => made.forEach(({ end }) => end()),
  };
}
