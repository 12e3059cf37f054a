// Which sections does the core have? The rows of <VirtualHost> and of the sections for directories, files and locations.

import { acceptedRows } from "./accepted.ts";
import { parseHostAddress } from "./addresses.ts";
import { canonicalNameRows } from "./canonical_names.ts";
import type { Context, DirectiveRow, SectionDirective, Target } from "./directives.ts";
import { ArgumentError } from "./errors.ts";
import {
  directoryPattern,
  filesPattern,
  locationPattern,
  type Pattern,
  regexPattern,
  type Section,
} from "./matching.ts";
import { ifRows } from "./if_sections.ts";
import { limitRows } from "./limits.ts";
import { overrideRows } from "./overrides.ts";
import { serverNameRows } from "./server_names.ts";
import { Store } from "./stores.ts";

const HOST: readonly Context[] = ["server config", "virtual host"];
const ANYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** The list that a section goes to; an error where it may not stand. */
function listed<T>(list: T[] | undefined, name: string, to: Target): T[] {
  if (list === undefined) throw new ArgumentError(`<${name}> cannot occur within <${to.section}> section`);
  return list;
}

const virtualHost: SectionDirective = {
  name: "<VirtualHost>",
  contexts: ["server config"],
  args: [1, Infinity],
  syntax: "<VirtualHost addr[:port] [addr[:port]] ...>",
  help: "Directives for requests that come to an address or ask for a name",
  open(args, to, where) {
    const target: Target = {
      ...to,
      context: "virtual host",
      section: "VirtualHost",
      server: new Store(),
      dir: new Store(),
      opened: { directories: [], files: [], locations: [], ifs: [] },
    };
    listed(to.opened.hosts, "VirtualHost", to).push({ addresses: args.map(parseHostAddress), where, target });
    return target;
  },
};

/** What tells the sections of directories, files and locations apart. */
interface Kind {
  readonly name: "Directory" | "Files" | "Location";
  readonly list: "directories" | "files" | "locations";
  readonly contexts: readonly Context[];
  readonly argument: string;
  readonly what: string;
  readonly ofFiles: boolean;
  plain(argument: string, to: Target): Pattern;
}

const KINDS: readonly Kind[] = [
  {
    name: "Directory",
    list: "directories",
    contexts: HOST,
    argument: "directory-path",
    what: "a directory and all below it",
    ofFiles: true,
    plain: directoryPattern,
  },
  {
    name: "Files",
    list: "files",
    contexts: ANYWHERE,
    argument: "filename",
    what: "files of a name",
    ofFiles: true,
    plain: filesPattern,
  },
  {
    name: "Location",
    list: "locations",
    contexts: HOST,
    argument: "URL-path",
    what: "a path of URLs and all below it",
    ofFiles: false,
    plain: locationPattern,
  },
];

/** `<Kind argument>`, `<Kind ~ regex>` and `<KindMatch regex>`. */
function rowsOf({ name, list, contexts, argument, what, ofFiles, plain }: Kind): SectionDirective[] {
  const open = (pattern: Pattern, section: string, to: Target, where: Section["where"]): Target => {
    const opened: Section = { ...pattern, where, dir: new Store(), files: [], ifs: [] };
    listed(to.opened[list], section, to).push(opened);
    const nested = name === "Directory" ? { files: opened.files, ifs: opened.ifs } : { ifs: opened.ifs };
    const context = to.context === ".htaccess" ? ".htaccess" : "directory";
    const directory = name === "Directory" ? opened.directory : to.directory;
    const place = pattern.pattern;
    return { ...to, context, section, place, directory, dir: opened.dir, opened: nested };
  };
  const regex = (source: string, to: Target) => regexPattern(source, ofFiles && to.windowsPaths);
  return [{
    name: `<${name}>`,
    contexts,
    args: [1, 2],
    syntax: `<${name} ${argument}>`,
    help: `Directives for ${what}`,
    override: contexts === ANYWHERE ? "All" : undefined,
    open(args, to, where) {
      const [first, second] = args;
      if (second === undefined) return open(plain(first, to), name, to, where);
      if (first !== "~") throw new ArgumentError(`Multiple <${name}> arguments are not supported`);
      return open(regex(second, to), name, to, where);
    },
  }, {
    name: `<${name}Match>`,
    contexts,
    args: 1,
    syntax: `<${name}Match regex>`,
    override: contexts === ANYWHERE ? "All" : undefined,
    help: `Directives for what a regular expression matches, else as <${name}>`,
    open: ([source], to, where) => open(regex(source, to), `${name}Match`, to, where),
  }];
}

/** The sections of the core, and the directives that name virtual hosts. */
export const sectionRows: readonly DirectiveRow[] = [
  virtualHost,
  ...KINDS.flatMap(rowsOf),
  ...ifRows,
  ...limitRows,
  ...overrideRows,
  ...serverNameRows,
  ...canonicalNameRows,
  ...acceptedRows,
];
