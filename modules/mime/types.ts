// Which media type has a file name extension, where no directive says? The file of TypesConfig, or what is built in.

import { BUILT_IN_TYPES } from "./built_in_types.ts";

/** Types by extension, in lower case and without its dot. */
export type TypeTable = (extension: string) => string | undefined;

let builtIn: TypeTable | undefined;

/** The types that are built in. */
export function builtInType(extension: string): string | undefined {
  builtIn ??= tableOf(BUILT_IN_TYPES);
  return builtIn(extension);
}

/** The types in a file in the form of mime.types: a line for a type, its extensions behind it. @throws the system's error */
export function readTypes(path: string): TypeTable {
  return tableOf(Deno.readTextFileSync(path));
}

function tableOf(text: string): TypeTable {
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [type, ...extensions] = line.replace(/#.*/, "").trim().split(/\s+/);
    for (const extension of extensions) types.set(extension.toLowerCase(), type);
  }
  return (extension) => types.get(extension);
}
