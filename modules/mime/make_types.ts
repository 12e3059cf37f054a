// Where do the built-in media types come from? From std's table, which this writes as one text: run it when the package is renewed.

import { types as typesJs } from "npm:deno-std@1.4.0/media_types/_db.js";

/** The file that is made. */
export const MADE = new URL("./built_in_types.ts", import.meta.url);

/** Its text. */
export function builtInTypesModule(): string {
  const byType = new Map<string, string[]>();
  // The package ships no types.
  for (const [extension, type] of typesJs as ReadonlyMap<string, string>) {
    byType.set(type, [...byType.get(type) ?? [], extension]);
  }
  const lines = [...byType].map(([type, extensions]) => [type, ...extensions].join(" ")).sort();
  return `// Which media types are built in? Those of @std/media-types (mime-db, MIT): as one text they cost a server thread nothing until one is
// asked for, as that module 3 MB in each. Made by make_types.ts.

/** A line for each type: the type, and its extensions. */
export const BUILT_IN_TYPES = \`
${lines.join("\n")}
\`;
`;
}

if (import.meta.main) Deno.writeTextFileSync(MADE, builtInTypesModule());
