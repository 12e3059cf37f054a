// Which directives are there? The rows of all loaded modules by name, and the nearest name to one that is none of them.

import type { DirectiveRow } from "./directives.ts";
import { readerFacts } from "./line_directives.ts";

/** Rows by name, whatever the case. */
export class DirectiveTable {
  readonly #rows = new Map<string, DirectiveRow>();

  /** @throws TypeError if two rows have one name */
  constructor(rows: readonly DirectiveRow[]) {
    for (const row of rows) {
      const key = row.name.toLowerCase();
      if (this.#rows.has(key)) throw new TypeError(`two rows for the directive ${row.name}`);
      this.#rows.set(key, row);
    }
  }

  /** The row of a directive, or of a section if the name is `<Name>`. */
  find(name: string): DirectiveRow | undefined {
    return this.#rows.get(name.toLowerCase());
  }

  /** The known name that differs least from `name`, if it is not quite another. */
  nearest(name: string): string | undefined {
    const wanted = name.toLowerCase();
    let limit = Math.max(1, Math.floor(wanted.length / 3));
    let found: string | undefined;
    for (const known of [...readerFacts, ...this.#rows.values()].map((row) => row.name)) {
      if (
        known.startsWith("<") !== wanted.startsWith("<") || Math.abs(known.length - wanted.length) > limit
      ) continue;
      const distance = editDistance(wanted, known.toLowerCase());
      if (distance > limit) continue;
      found = known;
      limit = distance - 1;
    }
    return found;
  }
}

/** Characters to insert, delete or replace to make `b` of `a` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
