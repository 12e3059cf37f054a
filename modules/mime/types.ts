// Which media type has a file name extension, where no directive says? The file of TypesConfig, or the table of std.

import { typeByExtension } from "@std/media-types";

/** Types by extension, in lower case and without its dot. */
export type TypeTable = (extension: string) => string | undefined;

const known = new Map<string, string | undefined>();

/** The types that are built in. */
export function builtInType(extension: string): string | undefined {
  if (!known.has(extension)) known.set(extension, typeByExtension(extension));
  return known.get(extension);
}

/** The types in a file in the form of mime.types: a line for a type, its extensions behind it. @throws the system's error */
export function readTypes(path: string): TypeTable {
  const types = new Map<string, string>();
  for (const line of Deno.readTextFileSync(path).split("\n")) {
    const [type, ...extensions] = line.replace(/#.*/, "").trim().split(/\s+/);
    for (const extension of extensions) types.set(extension.toLowerCase(), type);
  }
  return (extension) => types.get(extension);
}
