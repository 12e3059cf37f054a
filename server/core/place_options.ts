// What may be done with what is in a directory? Options, with the arithmetic of + and - over sections and .htaccess files.

import { ArgumentError, type Directive, dirKey, type DirStore } from "../config/mod.ts";

/** The words of Options, as bits. */
export const Option = {
  Indexes: 1,
  Includes: 2,
  /** Commands and CGI scripts in server-side includes. */
  IncludesExec: 4,
  FollowSymLinks: 8,
  SymLinksIfOwnerMatch: 16,
  ExecCGI: 32,
  MultiViews: 64,
} as const;

const ALL = Option.Indexes | Option.Includes | Option.IncludesExec | Option.FollowSymLinks | Option.ExecCGI;

const WORDS: Readonly<Record<string, number>> = {
  indexes: Option.Indexes,
  includes: Option.Includes | Option.IncludesExec,
  includesnoexec: Option.Includes,
  followsymlinks: Option.FollowSymLinks,
  symlinksifownermatch: Option.SymLinksIfOwnerMatch,
  execcgi: Option.ExecCGI,
  multiviews: Option.MultiViews,
  none: 0,
  all: ALL,
};

/** What the sections of a place say together. `set` undefined: none says more than + and -. */
interface PlaceOptions {
  set: number | undefined;
  add: number;
  remove: number;
}

const key = dirKey<PlaceOptions>("options", {
  create: () => ({ set: undefined, add: 0, remove: 0 }),
  merge: (base, over) =>
    over.set !== undefined ? over : {
      set: base.set,
      add: (base.add & ~over.remove) | over.add,
      remove: (base.remove & ~over.add) | over.remove,
    },
});

/** The options that hold where `store` does, as bits. FollowSymLinks where nobody says anything (httpd 2.4). */
export function optionsOf(store: DirStore): number {
  const { set = Option.FollowSymLinks, add, remove } = store.get(key);
  return (set & ~remove) | add;
}

/** True when a section with this store may take FollowSymLinks away. */
export function restrictsLinks(store: DirStore): boolean {
  const { set, remove } = store.get(key);
  return (set !== undefined && (set & Option.FollowSymLinks) === 0) || (remove & Option.FollowSymLinks) !== 0;
}

/** The row. */
export const optionsRow: Directive = {
  name: "Options",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: [1, Infinity],
  syntax: "Options [+|-]option [[+|-]option] ...",
  help:
    "Which features a directory has: Indexes, FollowSymLinks, SymLinksIfOwnerMatch, MultiViews, All, None",
  default: "FollowSymlinks",
  override: "Options",
  apply(args, to) {
    const value = to.dir.get(key);
    const signed = /^[+-]/.test(args[0]);
    if (!signed) Object.assign(value, { set: 0, add: 0, remove: 0 });
    for (const arg of args) {
      if (/^[+-]/.test(arg) !== signed) {
        throw new ArgumentError("Either all Options must start with + or -, or no Option may.");
      }
      const word = (signed ? arg.slice(1) : arg).toLowerCase();
      const bits = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
      if (bits === undefined) throw new ArgumentError(`Illegal option ${arg}`);
      if (signed && (word === "none" || word === "all")) {
        throw new ArgumentError(`Cannot combine '+' or '-' with '${arg.slice(1)}' keyword`);
      }
      const allowed = to.overrides?.options;
      if (allowed !== undefined && bits !== 0 && !allowed.has(word) && !allowed.has("all")) {
        throw new ArgumentError(`Option ${arg} not allowed here`);
      }
      if (!signed) value.set = value.set! | bits;
      else if (arg.startsWith("+")) {
        value.add |= bits;
        value.remove &= ~bits;
      } else {
        value.remove |= bits;
        value.add &= ~bits;
      }
    }
  },
};
