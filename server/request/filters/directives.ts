// Which filters are at work in a place, whatever is sent there? SetOutputFilter and SetInputFilter, and how lists of filters are written.

import { ArgumentError, type Context, type Directive, dirKey } from "../../config/mod.ts";

/** Names of filters in the order in which they see content; undefined: as around the place. */
interface SetFilters {
  output: readonly string[] | undefined;
  input: readonly string[] | undefined;
}

/** The key of both. */
export const setFilters = dirKey<SetFilters>("filters", {
  create: () => ({ output: undefined, input: undefined }),
  merge: (base, over) => ({ output: over.output ?? base.output, input: over.input ?? base.input }),
});

/** The names in `filter[;filter...]`. @throws ArgumentError when there is none */
export function filterNames(list: string): string[] {
  const names = list.split(";").map((name) => name.trim()).filter((name) => name !== "");
  if (names.length === 0) throw new ArgumentError("must name a filter, or several with ; between them", true);
  return names;
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

function row(name: string, key: keyof SetFilters, thing: string): Directive {
  return {
    name,
    contexts: EVERYWHERE,
    args: 1,
    syntax: `${name} filter[;filter...]`,
    help: `The filters that ${thing} pass through here`,
    override: "FileInfo",
    apply([list], to) {
      to.dir.get(setFilters)[key] = filterNames(list);
    },
  };
}

/** The rows of the two directives. */
export const filterRows: readonly Directive[] = [
  row("SetOutputFilter", "output", "responses"),
  row("SetInputFilter", "input", "the bodies of requests"),
];
