// Which form of a file does a client get that asks for a name without its extensions? mod_negotiation: Options MultiViews.

import { clock } from "../../server/http/engine/clock.ts";
import {
  ArgumentError,
  type Context,
  type Directive,
  dirKey,
  flag,
  serverKey,
} from "../../server/config/mod.ts";
import { escapeHtml, formatHttpDate } from "../../server/http/content/mod.ts";
import type { Fields, Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange, FileInfo } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { escapedPath } from "../alias/rules.ts";
import { FileError } from "../../server/core/open_files.ts";
import { Option, optionsOf } from "../../server/core/place_options.ts";
import { lookUp } from "../../server/core/translate.ts";
import { nameFacts } from "../mime/mod.ts";
import { parseAccept } from "./accept.ts";
import { choose, type Variant } from "./choose.ts";

interface LanguageSettings {
  languages: readonly string[] | undefined;
  force: { readonly prefer: boolean; readonly fallback: boolean } | undefined;
}

const languageDir = dirKey<LanguageSettings>("negotiation", {
  create: () => ({ languages: undefined, force: undefined }),
  merge: (base, over) => ({ languages: over.languages ?? base.languages, force: over.force ?? base.force }),
});

const cacheServer = serverKey<{ on: boolean | undefined }>("negotiation", {
  create: () => ({ on: undefined }),
  merge: (base, over) => ({ on: over.on ?? base.on }),
});

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const directives: readonly Directive[] = [{
  name: "LanguagePriority",
  contexts: EVERYWHERE,
  args: [1, Infinity],
  syntax: "LanguagePriority language-tag [language-tag] ...",
  help: "Which languages are taken first where the client does not decide",
  override: "FileInfo",
  apply(languages, to) {
    to.dir.get(languageDir).languages = languages.map((language) => language.toLowerCase());
  },
}, {
  name: "ForceLanguagePriority",
  contexts: EVERYWHERE,
  args: [1, 2],
  syntax: "ForceLanguagePriority None|Prefer|Fallback [Prefer|Fallback]",
  help:
    "Whether LanguagePriority decides between languages that suit equally (Prefer), or where none suits (Fallback)",
  default: "Prefer",
  override: "FileInfo",
  apply(words, to) {
    const lower = words.map((word) => word.toLowerCase());
    const wrong = lower.find((word) => !["none", "prefer", "fallback"].includes(word));
    if (wrong !== undefined) {
      throw new ArgumentError(`ForceLanguagePriority takes None, Prefer and Fallback, not "${wrong}"`);
    }
    if (lower.includes("none") && lower.length > 1) {
      throw new ArgumentError("Cannot combine ForceLanguagePriority options with None");
    }
    to.dir.get(languageDir).force = {
      prefer: lower.includes("prefer"),
      fallback: lower.includes("fallback"),
    };
  },
}, {
  name: "CacheNegotiatedDocs",
  contexts: ["server config", "virtual host"],
  args: 1,
  syntax: "CacheNegotiatedDocs On|Off",
  help: "Whether caches of HTTP/1.0, which know nothing of Vary, may keep what was negotiated",
  default: "Off",
  apply([word], to) {
    to.server.get(cacheServer).on = flag(word);
  },
}];

/** The forms of `filename`: files of its directory that have further extensions, all of which mean something. */
function variantsOf(exchange: Exchange, filename: string): Variant[] {
  const slash = filename.lastIndexOf("/") + 1;
  const [directory, name] = [filename.slice(0, slash), filename.slice(slash)];
  const prefix = `${name}.`;
  const known = nameFacts(exchange, name).unknown;
  const variants: Variant[] = [];
  for (const entry of entriesOf(directory)) {
    if (!entry.startsWith(prefix)) continue;
    const { type, languages, encoding, charset, unknown } = nameFacts(exchange, entry);
    // What is asked for with extensions that say nothing is another file.
    if (type === undefined || unknown > known) continue;
    const path = directory + entry;
    const info = lookUp(path, clock.look);
    if (info === undefined || info instanceof FileError || !info.isFile) continue;
    if (!exchange.subject.isReachable("file", path)) continue;
    variants.push({ name: entry, type, languages, encoding, charset, size: info.size });
  }
  return variants;
}

function entriesOf(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch (error) {
    // A directory that may not be read, or is none, has no forms of anything.
    if (error instanceof Error) return [];
    throw error;
  }
}

/** What differs between forms, as fields of requests. */
function dimensions(variants: readonly Variant[]): string[] {
  const differ = (of: (variant: Variant) => string | undefined) => new Set(variants.map(of)).size > 1;
  return [
    ...differ(({ type }) => type) ? ["accept"] : [],
    ...differ(({ languages }) => languages?.join()) ? ["accept-language"] : [],
    ...differ(({ encoding }) => encoding) ? ["accept-encoding"] : [],
    ...differ(({ charset }) => charset) ? ["accept-charset"] : [],
  ];
}

/** What negotiating leads to: a file, a reply where no form suits; undefined: there are no forms. */
export function negotiate(
  exchange: Exchange,
  filename: string,
): { filename: string; info: FileInfo } | Reply | undefined {
  const { dir, head } = exchange;
  if ((optionsOf(dir) & Option.MultiViews) === 0) return undefined;
  const variants = variantsOf(exchange, filename);
  if (variants.length === 0) return undefined;
  exchange.dependsOn = "request";
  // With a path behind the name httpd says nothing of having chosen.
  const tells = exchange.pathInfo === "";
  if (tells) exchange.varyOn = new Set([...exchange.varyOn ?? [], "negotiate", ...dimensions(variants)]);
  const wishes = {
    types: parseAccept(head.field(Field.Accept)),
    languages: parseAccept(head.field(Field.AcceptLanguage)),
    encodings: parseAccept(head.field(Field.AcceptEncoding)),
    charsets: parseAccept(head.field(Field.AcceptCharset)),
  };
  const { languages = [], force = { prefer: true, fallback: false } } = dir.get(languageDir);
  const best = choose(variants, wishes, { languages, ...force });
  if (best === undefined) return notAcceptable(variants);
  const path = filename.slice(0, filename.lastIndexOf("/") + 1) + best.name;
  const info = lookUp(path, clock.look);
  // Gone in the meantime.
  if (info === undefined || info instanceof FileError) return undefined;
  if (tells) (exchange.notes ??= new Map()).set(NOTE, best.name);
  return { filename: path, info };
}

/** The note with the name of the form that was chosen. */
const NOTE = "negotiated";

/** 406 with the list of forms (RFC 9110 §15.5.7). */
function notAcceptable(variants: readonly Variant[]): Reply {
  const lines = variants.map(({ name, type, languages }) => {
    const facts = [type, ...languages ?? []].map(escapeHtml).join(", ");
    return `<li><a href="${escapeHtml(escapedPath(name))}">${escapeHtml(name)}</a>, ${facts}</li>\n`;
  });
  return errorReply(406, { fields: [["TCN", "list"]], html: `Available:\n<ul>\n${lines.join("")}</ul>\n` });
}

export const negotiation: ServerModule = {
  name: "negotiation_module",
  source: "mod_negotiation.c",
  directives,
  hooks: () => ({
    typeChecker(exchange) {
      const { file, filename, pathInfo, path } = exchange;
      if (file !== undefined || filename === "" || filename.endsWith("/")) {
        return undefined;
      }
      const found = negotiate(exchange, filename);
      if (found === undefined || "status" in found) return found;
      exchange.filename = found.filename;
      exchange.file = found.info;
      const named = path.slice(0, path.length - pathInfo.length);
      exchange.path = named + found.filename.slice(filename.length) + pathInfo;
      return undefined;
    },
    filterReply(exchange, reply) {
      const name = exchange.notes?.get(NOTE);
      if (name === undefined || reply.failure !== undefined) return reply;
      const fields: Fields = [["Content-Location", escapedPath(name)], ["TCN", "choice"], ...reply.fields];
      const cached = exchange.vhost.store.get(cacheServer).on === true || exchange.head.isHttp11;
      if (!cached) fields.push(["Expires", formatHttpDate(Math.floor(exchange.startTime / 1000))]);
      return { ...reply, fields };
    },
  }),
};
