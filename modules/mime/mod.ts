// What is a file, by its name? mod_mime: media type, charset, language, content coding and handler, by all of its extensions.

import { isAbsolute, join } from "@std/path";
import { ConfigError } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { filterNames } from "../../server/request/filters/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { mimeDir, mimeRows, mimeServer } from "./settings.ts";
import { builtInType, readTypes, type TypeTable } from "./types.ts";

/** What the name of a file says of it. */
export interface NameFacts {
  type: string | undefined;
  charset: string | undefined;
  languages: string[] | undefined;
  encoding: string | undefined;
  handler: string | undefined;
  /** Filters of all extensions, in their order. */
  outputFilters: string[] | undefined;
  inputFilters: string[] | undefined;
  /** Extensions that say nothing: a negotiated file must have been asked for with them. */
  unknown: number;
}

let typeOf: TypeTable = builtInType;

/** Reads the name (without directories) of a file in the place that `exchange.dir` is of. */
export function nameFacts({ dir }: Pick<Exchange, "dir">, name: string): NameFacts {
  const { extensions, defaultLanguage } = dir.get(mimeDir);
  const facts: NameFacts = {
    type: undefined,
    charset: undefined,
    languages: undefined,
    encoding: undefined,
    handler: undefined,
    outputFilters: undefined,
    inputFilters: undefined,
    unknown: 0,
  };
  // What stands before the first dot is never an extension, nor are leading dots the beginning of one.
  let at = 0;
  while (name.charCodeAt(at) === DOT) at++;
  at = name.indexOf(".", at);
  while (at >= 0) {
    const end = name.indexOf(".", at + 1);
    if (end !== at + 1) {
      addExtension(facts, extensions, name.slice(at + 1, end < 0 ? undefined : end).toLowerCase());
    }
    at = end;
  }
  if (facts.languages === undefined && defaultLanguage !== undefined) facts.languages = [defaultLanguage];
  return facts;
}

const DOT = 0x2e;

function addExtension(
  facts: NameFacts,
  extensions: ReturnType<typeof mimeDir.create>["extensions"],
  extension: string,
): void {
  const said = extensions.get(extension);
  // RemoveType takes away what the types file says too.
  const type = said?.type === null ? undefined : said?.type ?? typeOf(extension);
  if (type !== undefined) facts.type = type;
  let known = type !== undefined;
  if (said !== undefined) {
    const { charset, language, encoding, handler } = said;
    known ||= typeof charset === "string" || typeof language === "string" || typeof encoding === "string";
    if (typeof charset === "string") facts.charset = charset;
    if (typeof language === "string") (facts.languages ??= []).push(language);
    if (typeof encoding === "string") {
      facts.encoding = facts.encoding === undefined ? encoding : `${facts.encoding}, ${encoding}`;
    }
    if (typeof handler === "string") facts.handler = handler;
    if (typeof said.outputFilters === "string") {
      (facts.outputFilters ??= []).push(...filterNames(said.outputFilters));
    }
    if (typeof said.inputFilters === "string") {
      (facts.inputFilters ??= []).push(...filterNames(said.inputFilters));
    }
  }
  if (!known) facts.unknown++;
}

/** `type` with `charset` instead of its own. */
function withCharset(type: string, charset: string): string {
  const [essence, ...parameters] = type.split(";").map((part) => part.trim());
  const others = parameters.filter((part) => !/^charset\s*=/i.test(part));
  return [essence, ...others, `charset=${charset}`].join("; ");
}

function typeChecker(exchange: Exchange): undefined {
  const { filename, file, pathInfo, dir } = exchange;
  if (file === undefined || file.isDirectory) return;
  const named = dir.get(mimeDir).usePathInfo === true ? filename + pathInfo : filename;
  const { type, charset, languages, encoding, handler, outputFilters: output, inputFilters: input } =
    nameFacts(
      exchange,
      named.slice(named.lastIndexOf("/") + 1),
    );
  exchange.namedFilters = output === undefined && input === undefined ? undefined : { output, input };
  exchange.contentType = type === undefined || charset === undefined ? type : withCharset(type, charset);
  exchange.contentLanguage = languages?.join(", ");
  exchange.contentEncoding = encoding;
  if (handler !== undefined) exchange.handler = handler;
}

export const mime: ServerModule = {
  name: "mime_module",
  source: "mod_mime.c",
  directives: mimeRows,
  checkConfig(config, serverRoot) {
    const { typesFile, where } = config.main.store.get(mimeServer);
    if (typesFile === undefined || where === undefined) return;
    try {
      readTypes(isAbsolute(typesFile) ? typesFile : join(serverRoot, typesFile));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new ConfigError(
        where,
        `AH01597: could not open mime types config file ${typesFile}: ${error.message}`,
        "TypesConfig",
      );
    }
  },
  hooks: () => ({
    threadInit({ config, serverRoot }) {
      const { typesFile } = config.main.store.get(mimeServer);
      typeOf = typesFile === undefined
        ? builtInType
        : readTypes(isAbsolute(typesFile) ? typesFile : join(serverRoot, typesFile));
    },
    typeChecker,
  }),
};
