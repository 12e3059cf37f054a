// How are directories listed? The directives of mod_autoindex and the values they set.

import {
  ArgumentError,
  type Context,
  type Directive,
  dirKey,
  flag,
  integer,
} from "../../server/config/mod.ts";

/** The words of IndexOptions without a value, as bits. */
export const IndexOption = {
  None: 1 << 0,
  FancyIndexing: 1 << 1,
  FoldersFirst: 1 << 2,
  HTMLTable: 1 << 3,
  IconsAreLinks: 1 << 4,
  IgnoreCase: 1 << 5,
  IgnoreClient: 1 << 6,
  ScanHTMLTitles: 1 << 7,
  SuppressIcon: 1 << 8,
  SuppressLastModified: 1 << 9,
  SuppressSize: 1 << 10,
  SuppressDescription: 1 << 11,
  SuppressHTMLPreamble: 1 << 12,
  SuppressColumnSorting: 1 << 13,
  SuppressRules: 1 << 14,
  TrackModified: 1 << 15,
  VersionSort: 1 << 16,
  XHTML: 1 << 17,
  ShowForbidden: 1 << 18,
  AddAltClass: 1 << 19,
  UseOldDateFormat: 1 << 20,
} as const;

/** What listings are sorted by: name, time, size, description. */
export type SortKey = "N" | "M" | "S" | "D";

/** An icon, or the text for it, for what a pattern matches. */
export interface IconRule {
  readonly by: "path" | "type" | "encoding";
  readonly pattern: string;
  readonly value: string;
}

/** The values of a place; undefined: as around it. */
export interface IndexSettings {
  options: number;
  add: number;
  remove: number;
  /** Characters; "*": the longest name. */
  nameWidth: number | "*" | undefined;
  descriptionWidth: number | "*" | undefined;
  iconHeight: number | undefined;
  iconWidth: number | undefined;
  type: string | undefined;
  charset: string | undefined;
  icons: readonly IconRule[];
  alts: readonly IconRule[];
  descriptions: readonly { readonly pattern: string; readonly text: string }[];
  ignored: readonly string[];
  resetIgnored: boolean;
  defaultIcon: string | undefined;
  header: string | undefined;
  readme: string | undefined;
  headInsert: string | undefined;
  styleSheet: string | undefined;
  order: { readonly key: SortKey; readonly descending: boolean } | undefined;
  forbiddenIs404: boolean | undefined;
}

function mergedOptions(
  base: IndexSettings,
  over: IndexSettings,
): Pick<IndexSettings, "options" | "add" | "remove"> {
  if ((over.options & IndexOption.None) !== 0) return { options: IndexOption.None, add: 0, remove: 0 };
  // Whole lists dominate; where there are only + and -, they change what is around.
  if (over.options !== 0) return over;
  return {
    options: base.options,
    add: (base.add | over.add) & ~over.remove,
    remove: (base.remove & ~over.add) | over.remove,
  };
}

/** The key of the values. */
export const indexDir = dirKey<IndexSettings>("autoindex", {
  create: () => ({
    options: 0,
    add: 0,
    remove: 0,
    nameWidth: undefined,
    descriptionWidth: undefined,
    iconHeight: undefined,
    iconWidth: undefined,
    type: undefined,
    charset: undefined,
    icons: [],
    alts: [],
    descriptions: [],
    ignored: [],
    resetIgnored: false,
    defaultIcon: undefined,
    header: undefined,
    readme: undefined,
    headInsert: undefined,
    styleSheet: undefined,
    order: undefined,
    forbiddenIs404: undefined,
  }),
  merge: (base, over) => ({
    ...mergedOptions(base, over),
    nameWidth: over.nameWidth ?? base.nameWidth,
    descriptionWidth: over.descriptionWidth ?? base.descriptionWidth,
    iconHeight: over.iconHeight ?? base.iconHeight,
    iconWidth: over.iconWidth ?? base.iconWidth,
    type: over.type ?? base.type,
    charset: over.charset ?? base.charset,
    // What is nearer is looked at first.
    icons: [...over.icons, ...base.icons],
    alts: [...over.alts, ...base.alts],
    descriptions: [...over.descriptions, ...base.descriptions],
    ignored: over.resetIgnored ? over.ignored : [...over.ignored, ...base.ignored],
    resetIgnored: over.resetIgnored || base.resetIgnored,
    defaultIcon: over.defaultIcon ?? base.defaultIcon,
    header: over.header ?? base.header,
    readme: over.readme ?? base.readme,
    headInsert: over.headInsert ?? base.headInsert,
    styleSheet: over.styleSheet ?? base.styleSheet,
    order: over.order ?? base.order,
    forbiddenIs404: over.forbiddenIs404 ?? base.forbiddenIs404,
  }),
});

/** The options that hold, as bits. */
export function indexOptions({ options, add, remove }: IndexSettings): number {
  return (options | add) & ~remove & ~IndexOption.None;
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** A word with a value, such as NameWidth=*. Returns false if it is none. @throws ArgumentError */
function setValue(settings: IndexSettings, word: string, sign: string): boolean {
  const [, name, value] = /^([a-z]+)(?:=(.*))?$/is.exec(word) ?? [];
  const number = (min: number) => integer(value ?? "", { name: `${name} value`, min });
  const cleared = sign === "-";
  switch (name?.toLowerCase()) {
    case "namewidth":
      settings.nameWidth = cleared ? 23 : value === "*" ? "*" : number(5);
      return true;
    case "descriptionwidth":
      settings.descriptionWidth = cleared ? 23 : value === "*" ? "*" : number(12);
      return true;
    case "iconheight":
      settings.iconHeight = cleared ? 0 : value === undefined ? 22 : number(1);
      return true;
    case "iconwidth":
      settings.iconWidth = cleared ? 0 : value === undefined ? 20 : number(1);
      return true;
    case "type":
      settings.type = value;
      return true;
    case "charset":
      settings.charset = value;
      return true;
  }
  return false;
}

const WORDS = new Map(Object.entries(IndexOption).map(([name, bit]) => [name.toLowerCase(), bit]));

const indexOptionsRow: Directive = {
  name: "IndexOptions",
  contexts: EVERYWHERE,
  args: [1, Infinity],
  syntax: "IndexOptions [+|-]option [[+|-]option] ...",
  help: "How directories are listed",
  override: "Indexes",
  differs: "The charset is UTF-8 unless Charset= says otherwise.",
  apply(args, to) {
    const settings = to.dir.get(indexDir);
    for (const arg of args) {
      const sign = /^[+-]/.exec(arg)?.[0] ?? "";
      const word = arg.slice(sign.length);
      if (setValue(settings, word, sign)) continue;
      const bit = WORDS.get(word.toLowerCase());
      if (bit === undefined) throw new ArgumentError(`Invalid directory indexing option "${arg}"`);
      if (bit === IndexOption.None && sign !== "") {
        throw new ArgumentError("Cannot combine '+' or '-' with 'None' keyword");
      }
      if (sign === "+") {
        settings.add |= bit;
        settings.remove &= ~bit;
      } else if (sign === "-") {
        settings.remove |= bit;
        settings.add &= ~bit;
      } else if (bit === IndexOption.None) Object.assign(settings, { options: bit, add: 0, remove: 0 });
      else settings.options = (settings.options | bit) & ~IndexOption.None;
    }
  },
};

function iconRow(name: string, list: "icons" | "alts", by: IconRule["by"], what: string): Directive {
  return {
    name,
    contexts: EVERYWHERE,
    args: [2, Infinity],
    syntax: `${name} ${list === "icons" ? "icon" : "string"} ${by === "path" ? "name" : by} [${
      by === "path" ? "name" : by
    }] ...`,
    help: `${list === "icons" ? "The icon" : "The text that stands for an icon"} of ${what}`,
    override: "Indexes",
    apply([value, ...names], to) {
      const settings = to.dir.get(indexDir);
      const [, alt, icon] = list === "icons" ? /^\(([^,]*),(.*)\)$/s.exec(value) ?? [] : [];
      for (const given of names) {
        const name = given === "**DIRECTORY**" ? "^^DIRECTORY^^" : given;
        const isPattern = /[*?]/.test(name) || name.startsWith("^^") || by !== "path";
        const rule = { by, pattern: isPattern ? name : `*${name}` };
        settings[list] = [...settings[list], { ...rule, value: icon ?? value }];
        if (alt !== undefined) settings.alts = [...settings.alts, { ...rule, value: alt }];
      }
    },
  };
}

type TextKey = "defaultIcon" | "header" | "readme" | "headInsert" | "styleSheet";

function textRow(name: string, key: TextKey, argument: string, help: string): Directive {
  return {
    name,
    contexts: EVERYWHERE,
    args: 1,
    syntax: `${name} ${argument}`,
    help,
    override: "Indexes",
    apply([text], to) {
      to.dir.get(indexDir)[key] = text;
    },
  };
}

const KEYS: Readonly<Record<string, SortKey>> = { name: "N", date: "M", size: "S", description: "D" };

/** The rows. */
export const indexRows: readonly Directive[] = [
  indexOptionsRow,
  iconRow("AddIcon", "icons", "path", "files whose names end so"),
  iconRow("AddIconByType", "icons", "type", "files of a media type"),
  iconRow("AddIconByEncoding", "icons", "encoding", "files with a content coding"),
  iconRow("AddAlt", "alts", "path", "files whose names end so"),
  iconRow("AddAltByType", "alts", "type", "files of a media type"),
  iconRow("AddAltByEncoding", "alts", "encoding", "files with a content coding"),
  textRow("DefaultIcon", "defaultIcon", "url-path", "The icon of files without one of their own"),
  textRow("HeaderName", "header", "filename", "The file that is shown above a listing"),
  textRow("ReadmeName", "readme", "filename", "The file that is shown below a listing"),
  textRow("IndexHeadInsert", "headInsert", '"markup ..."', "What stands in the head of listings"),
  textRow("IndexStyleSheet", "styleSheet", "url-path", "The style sheet of listings"),
  {
    name: "AddDescription",
    contexts: EVERYWHERE,
    args: [2, Infinity],
    syntax: "AddDescription string file [file] ...",
    help: "The description of files",
    override: "Indexes",
    apply([text, ...files], to) {
      const settings = to.dir.get(indexDir);
      settings.descriptions = [...settings.descriptions, ...files.map((pattern) => ({ pattern, text }))];
    },
  },
  {
    name: "IndexIgnore",
    contexts: EVERYWHERE,
    args: [1, Infinity],
    syntax: "IndexIgnore file [file] ...",
    help: "Files that are not listed",
    override: "Indexes",
    apply(files, to) {
      const settings = to.dir.get(indexDir);
      settings.ignored = [...settings.ignored, ...files];
    },
  },
  {
    name: "IndexIgnoreReset",
    contexts: ["directory", ".htaccess"],
    args: 1,
    syntax: "IndexIgnoreReset ON|OFF",
    help: "Whether what IndexIgnore says around this place is forgotten",
    override: "Indexes",
    apply([word], to) {
      to.dir.get(indexDir).resetIgnored = flag(word);
    },
  },
  {
    name: "IndexOrderDefault",
    contexts: EVERYWHERE,
    args: 2,
    syntax: "IndexOrderDefault Ascending|Descending Name|Date|Size|Description",
    help: "What listings are sorted by until the client asks for something else",
    default: "Ascending Name",
    override: "Indexes",
    apply([direction, by], to) {
      const lower = direction.toLowerCase();
      if (lower !== "ascending" && lower !== "descending") {
        throw new ArgumentError("First keyword must be 'Ascending' or 'Descending'");
      }
      const key = Object.hasOwn(KEYS, by.toLowerCase()) ? KEYS[by.toLowerCase()] : undefined;
      if (key === undefined) {
        throw new ArgumentError("Second keyword must be 'Name', 'Date', 'Size', or 'Description'");
      }
      to.dir.get(indexDir).order = { key, descending: lower === "descending" };
    },
  },
  {
    name: "IndexForbiddenReturn404",
    contexts: EVERYWHERE,
    args: 1,
    syntax: "IndexForbiddenReturn404 On|Off",
    help: "Whether a directory that may not be listed is answered with 404 instead of 403",
    default: "Off",
    override: "Indexes",
    apply([word], to) {
      to.dir.get(indexDir).forbiddenIs404 = flag(word);
    },
  },
];
