// Which filters are chosen by what an answer is? The directives of mod_filter: declared filters, each with providers that suit or not, and
// the chain of a place.

import {
  ArgumentError,
  type Context,
  type Directive,
  dirKey,
  oneOf,
  type Where,
} from "../../server/config/mod.ts";
import { type Condition, explained, parseCondition } from "../../server/config/expression/mod.ts";
import { filterNames, FilterType } from "../../server/request/filters/mod.ts";

/** What FilterProtocol says of a filter. */
export interface Protocol {
  /** The content is changed: its ETag and digest do not hold any more. */
  readonly changes: boolean;
  readonly noRanges: boolean;
  readonly noCache: boolean;
  /** Not for what Cache-Control: no-transform forbids to be changed. */
  readonly transforms: boolean;
}

/** A filter that does the work where it suits. */
export interface Provider {
  /** Of an output filter. */
  readonly name: string;
  readonly suits: { readonly types: readonly string[] } | { readonly condition: Condition };
  readonly protocol?: Protocol;
  readonly where: Where;
}

/** A declared filter: the first provider that suits is it. */
export interface Declared {
  readonly type: number;
  readonly providers: readonly Provider[];
  readonly protocol?: Protocol;
}

/** The values of a place. */
export interface FilterSettings {
  /** By name, in lower case. */
  filters: ReadonlyMap<string, Declared>;
  chain: readonly string[];
  /** The chain of the place around does not count. */
  starts: boolean;
  /** FilterTrace, by name in lower case. */
  trace: ReadonlyMap<string, number>;
}

/** The key of the values of a place. What a place says of a filter replaces what is said around it. */
export const filterDir = dirKey<FilterSettings>("filter", {
  create: () => ({ filters: new Map(), chain: [], starts: false, trace: new Map() }),
  merge: (base, over) => ({
    filters: new Map([...base.filters, ...over.filters]),
    chain: over.starts ? over.chain : [...base.chain, ...over.chain],
    starts: base.starts || over.starts,
    trace: new Map([...base.trace, ...over.trace]),
  }),
});

const TYPES: Readonly<Record<string, number>> = {
  RESOURCE: FilterType.Resource,
  CONTENT_SET: FilterType.ContentSet,
  PROTOCOL: FilterType.Protocol,
  TRANSCODE: FilterType.Transcode,
  CONNECTION: FilterType.Connection,
  NETWORK: FilterType.Network,
};

const NEW: Declared = { type: FilterType.Resource, providers: [] };

function change(settings: FilterSettings, name: string, changed: (filter: Declared) => Declared): void {
  const key = name.toLowerCase();
  const filter = changed(settings.filters.get(key) ?? NEW);
  settings.filters = new Map([...settings.filters, [key, filter]]);
}

function addProvider(settings: FilterSettings, name: string, provider: Provider): void {
  change(settings, name, (filter) => ({ ...filter, providers: [...filter.providers, provider] }));
}

/** One word of FilterChain. */
function chainWord(settings: FilterSettings, word: string): void {
  const [sign, name] = /^[+@=!-]/.test(word) ? [word[0], word.slice(1)] : ["+", word];
  if (sign === "!") {
    settings.chain = [];
    settings.starts = true;
    return;
  }
  if (name === "") throw new ArgumentError(`FilterChain: a filter's name must follow "${sign}"`);
  if (sign === "=") [settings.chain, settings.starts] = [[name], true];
  else if (sign === "@") settings.chain = [name, ...settings.chain];
  else if (sign === "+") settings.chain = [...settings.chain, name];
  else settings.chain = settings.chain.filter((each) => each.toLowerCase() !== name.toLowerCase());
}

/** The flags of FilterProtocol, with blanks, commas or semicolons between them. */
function protocolOf(flags: string): Protocol {
  const protocol = { changes: false, noRanges: false, noCache: false, transforms: false };
  for (const flag of flags.split(/[ ,;]+/).filter((each) => each !== "")) {
    const known = flag.toLowerCase();
    if (known === "change=yes" || known === "change=1:1") protocol.changes = true;
    else if (known === "byteranges=no") protocol.noRanges = true;
    else if (known === "cache=no") protocol.noCache = true;
    else if (known === "proxy=transform") protocol.transforms = true;
    else if (known !== "proxy=no" && known !== "change=no") {
      throw new ArgumentError(
        `FilterProtocol takes change=yes, change=1:1, byteranges=no, proxy=no, proxy=transform and cache=no, not "${flag}"`,
      );
    }
  }
  return protocol;
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** The rows. */
export const filterDirectives: readonly Directive[] = [{
  name: "AddOutputFilterByType",
  contexts: EVERYWHERE,
  args: [2, Infinity],
  syntax: "AddOutputFilterByType filter[;filter...] media-type [media-type] ...",
  help: "Filters for answers of certain media types",
  override: "FileInfo",
  apply([list, ...types], to, where) {
    const settings = to.dir.get(filterDir);
    for (const name of filterNames(list)) {
      const declared = `BYTYPE:${name}`;
      const known = settings.filters.has(declared.toLowerCase());
      addProvider(settings, declared, { name, suits: { types }, where });
      if (!known) chainWord(settings, declared);
    }
  },
}, {
  name: "FilterDeclare",
  contexts: EVERYWHERE,
  args: [1, 2],
  syntax: "FilterDeclare filter-name [type]",
  help: "Declares a filter, of which FilterProvider says what it is, and where in the chain it stands",
  override: "Options",
  apply([name, type = "RESOURCE"], to) {
    const kind = oneOf(type, Object.keys(TYPES));
    change(to.dir.get(filterDir), name, (filter) => ({ ...filter, type: TYPES[kind] }));
  },
}, {
  name: "FilterProvider",
  contexts: EVERYWHERE,
  args: 3,
  syntax: "FilterProvider filter-name provider-name expression",
  help: "The filter that does the work of a declared one where an expression holds for the answer",
  override: "Options",
  apply([name, provider, text], to, where) {
    const condition = explained("bad FilterProvider expression", () => parseCondition(text));
    addProvider(to.dir.get(filterDir), name, { name: provider, suits: { condition }, where });
  },
}, {
  name: "FilterChain",
  contexts: EVERYWHERE,
  args: [1, Infinity],
  syntax: "FilterChain [+=-@!]filter-name ...",
  help:
    "The declared filters that answers pass through here: + at the end, @ at the beginning, - not, = only, ! none",
  override: "Options",
  apply(words, to) {
    const settings = to.dir.get(filterDir);
    for (const word of words) chainWord(settings, word);
  },
}, {
  name: "FilterProtocol",
  contexts: EVERYWHERE,
  args: [2, 3],
  syntax: "FilterProtocol filter-name [provider-name] proto-flags",
  help: "What a declared filter, or one of its providers, does to an answer that its head has to say",
  override: "Options",
  differs:
    "What is said of a provider holds for the declared filter, not for every use of the provider; proxy=no has no effect.",
  apply(words, to) {
    const protocol = protocolOf(words.at(-1)!);
    const provider = words.length === 3 ? words[1].toLowerCase() : undefined;
    change(to.dir.get(filterDir), words[0], (filter) => {
      if (provider === undefined) return { ...filter, protocol };
      if (!filter.providers.some(({ name }) => name.toLowerCase() === provider)) {
        throw new ArgumentError(`FilterProtocol: ${words[0]} has no provider ${words[1]}`);
      }
      const providers = filter.providers.map((each) =>
        each.name.toLowerCase() === provider ? { ...each, protocol } : each
      );
      return { ...filter, providers };
    });
  },
}, {
  name: "FilterTrace",
  contexts: ["server config", "virtual host", "directory"],
  args: 2,
  syntax: "FilterTrace filter-name 0|1|2",
  help: "Tells the error log (at level debug) which provider a declared filter has found",
  default: "0",
  apply([name, level], to) {
    const settings = to.dir.get(filterDir);
    const value = Number(oneOf(level, ["0", "1", "2"]));
    settings.trace = new Map([...settings.trace, [name.toLowerCase(), value]]);
  },
}];
