// What do most directives of a virtual host have in common? One argument, in the main server or in a virtual host.

import type { Directive } from "./directives.ts";

/** What a row says beside its name, its argument and what it does; whatever differs from the common form is here too. */
export type RowFacts = Pick<Directive, "help"> & Partial<Directive>;

/** A row `name argument`. */
export function hostRow(
  name: string,
  argument: string,
  facts: RowFacts,
  apply: Directive["apply"],
): Directive {
  return {
    name,
    contexts: ["server config", "virtual host"],
    args: 1,
    syntax: `${name} ${argument}`,
    ...facts,
    apply,
  };
}
