// What do the directives of mod_mime say of file name extensions? Rows, and the values they set.

import {
  type Context,
  type Directive,
  dirKey,
  flag,
  serverKey,
  type Where,
} from "../../server/config/mod.ts";
import { filterNames } from "../../server/request/filters/mod.ts";

/** What a file is because of one of its extensions; null: a Remove directive has taken it away. */
export interface ExtensionFacts {
  readonly type?: string | null;
  readonly charset?: string | null;
  readonly language?: string | null;
  readonly encoding?: string | null;
  readonly handler?: string | null;
  /** Names with `;` between them. */
  readonly outputFilters?: string | null;
  readonly inputFilters?: string | null;
}

/** The values of a place. */
export interface MimeSettings {
  /** By extension, in lower case and without its dot. */
  extensions: ReadonlyMap<string, ExtensionFacts>;
  defaultLanguage: string | undefined;
  /** The path behind the file's name has extensions too. */
  usePathInfo: boolean | undefined;
}

/** The key of the values of a place. */
export const mimeDir = dirKey<MimeSettings>("mime", {
  create: () => ({ extensions: new Map(), defaultLanguage: undefined, usePathInfo: undefined }),
  merge: (base, over) => ({
    extensions: mergedExtensions(base.extensions, over.extensions),
    defaultLanguage: over.defaultLanguage ?? base.defaultLanguage,
    usePathInfo: over.usePathInfo ?? base.usePathInfo,
  }),
});

function mergedExtensions(
  base: MimeSettings["extensions"],
  over: MimeSettings["extensions"],
): MimeSettings["extensions"] {
  if (over.size === 0) return base;
  const merged = new Map(base);
  for (const [extension, facts] of over) merged.set(extension, { ...base.get(extension), ...facts });
  return merged;
}

/** TypesConfig, of the main server. */
export const mimeServer = serverKey<{ typesFile: string | undefined; where: Where | undefined }>("mime", {
  create: () => ({ typesFile: undefined, where: undefined }),
  merge: (base, over) => over.typesFile === undefined ? base : over,
});

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const normal = (extension: string): string => extension.replace(/^\./, "").toLowerCase();

function put(settings: MimeSettings, extensions: readonly string[], facts: ExtensionFacts): void {
  const map = new Map(settings.extensions);
  for (const extension of extensions.map(normal)) map.set(extension, { ...map.get(extension), ...facts });
  settings.extensions = map;
}

function addRow(what: keyof ExtensionFacts, name: string, argument: string, thing: string): Directive {
  return {
    name,
    contexts: EVERYWHERE,
    args: [2, Infinity],
    syntax: `${name} ${argument} extension [extension] ...`,
    help: `Maps file name extensions onto ${thing}`,
    override: "FileInfo",
    apply([value, ...extensions], to) {
      if (what.endsWith("Filters")) filterNames(value);
      // As httpd has them in its fields and compares them: in lower case.
      put(to.dir.get(mimeDir), extensions, { [what]: value.toLowerCase() });
    },
  };
}

function removeRow(what: keyof ExtensionFacts, name: string, thing: string): Directive {
  return {
    name,
    contexts: ["virtual host", "directory", ".htaccess", "server config"],
    args: [1, Infinity],
    syntax: `${name} extension [extension] ...`,
    help: `Takes ${thing} away from file name extensions`,
    override: "FileInfo",
    apply: (extensions, to) => put(to.dir.get(mimeDir), extensions, { [what]: null }),
  };
}

/** The rows. */
export const mimeRows: readonly Directive[] = [
  addRow("type", "AddType", "media-type", "a media type"),
  addRow("charset", "AddCharset", "charset", "a charset"),
  addRow("language", "AddLanguage", "language-tag", "a language"),
  addRow("encoding", "AddEncoding", "encoding", "a content coding"),
  addRow("handler", "AddHandler", "handler-name", "a handler"),
  addRow("outputFilters", "AddOutputFilter", "filter[;filter...]", "filters for responses"),
  addRow("inputFilters", "AddInputFilter", "filter[;filter...]", "filters for the bodies of requests"),
  removeRow("type", "RemoveType", "the media type"),
  removeRow("charset", "RemoveCharset", "the charset"),
  removeRow("language", "RemoveLanguage", "the language"),
  removeRow("encoding", "RemoveEncoding", "the content coding"),
  removeRow("handler", "RemoveHandler", "the handler"),
  removeRow("outputFilters", "RemoveOutputFilter", "the filters for responses"),
  removeRow("inputFilters", "RemoveInputFilter", "the filters for the bodies of requests"),
  {
    name: "DefaultLanguage",
    contexts: EVERYWHERE,
    args: 1,
    syntax: "DefaultLanguage language-tag",
    help: "The language of files without an extension that means one",
    override: "FileInfo",
    apply([language], to) {
      to.dir.get(mimeDir).defaultLanguage = language;
    },
  },
  {
    name: "ModMimeUsePathInfo",
    contexts: ["directory"],
    args: 1,
    syntax: "ModMimeUsePathInfo On|Off",
    help: "Whether extensions in the path behind a file's name count",
    default: "Off",
    apply([word], to) {
      to.dir.get(mimeDir).usePathInfo = flag(word);
    },
  },
  {
    name: "TypesConfig",
    contexts: ["server config"],
    args: 1,
    syntax: "TypesConfig file",
    help: "The file that maps extensions onto media types",
    differs: "Without it a table of media types is used that is built in; with it, only the file.",
    apply([typesFile], to, where) {
      Object.assign(to.server.get(mimeServer), { typesFile, where });
    },
  },
];
