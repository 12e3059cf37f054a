// What do the directives of all codings have in common? What becomes of ETags, notes for the log, and how small is too small.

import {
  ArgumentError,
  bytes,
  type Context,
  type Directive,
  dirKey,
  integer,
  oneOf,
  type ServerKey,
} from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { Counts } from "./coder.ts";

/** What becomes of the ETag of what is coded. */
export type AlterETag = "AddSuffix" | "NoChange" | "Remove";

/** Names of notes, for log formats. */
export interface FilterNotes {
  readonly input?: string;
  readonly output?: string;
  readonly ratio?: string;
}

/** The values per virtual host that every coding has. */
export interface CodingServer {
  alterETag?: AlterETag;
  notes?: FilterNotes;
}

/** The smallest answer (bytes) that is worth a coding. */
export const minSize = dirKey<{ bytes: number | undefined }>("compression", {
  create: () => ({ bytes: undefined }),
  merge: (base, over) => ({ bytes: over.bytes ?? base.bytes }),
});

const HOST: readonly Context[] = ["server config", "virtual host"];

/** DeflateAlterETag and its like; `what`: "DEFLATE". */
export function alterETagRow<S extends CodingServer>(
  name: string,
  key: ServerKey<S>,
  what: string,
): Directive {
  return {
    name,
    contexts: HOST,
    args: 1,
    syntax: `${name} AddSuffix|NoChange|Remove`,
    help: `What becomes of the ETag of an answer that ${what} compresses`,
    default: "AddSuffix",
    apply([word], to) {
      to.server.get(key).alterETag = oneOf(word, ["AddSuffix", "NoChange", "Remove"]);
    },
  };
}

/** DeflateFilterNote and its like. */
export function noteRow<S extends CodingServer>(name: string, key: ServerKey<S>, what: string): Directive {
  return {
    name,
    contexts: HOST,
    args: [1, 2],
    syntax: `${name} [Input|Output|Ratio] notename`,
    help: `A note for log formats (%{notename}n): bytes before or behind ${what}, or per cent that are left`,
    apply(words, to) {
      const kind = words.length === 1 ? "Ratio" : oneOf(words[0], ["Input", "Output", "Ratio"]);
      const values = to.server.get(key);
      values.notes = { ...values.notes, [kind.toLowerCase()]: words.at(-1)! };
    },
  };
}

/** A row for a whole number of a virtual host. */
export function numberRow<S extends object, K extends keyof S>(
  name: string,
  key: ServerKey<S>,
  value: K & { [P in keyof S]: S[P] extends number | undefined ? P : never }[keyof S],
  [min, max]: readonly [number, number],
  help: string,
  byDefault: string,
  differs?: string,
): Directive {
  return {
    name,
    contexts: HOST,
    args: 1,
    syntax: `${name} number`,
    help,
    default: byDefault,
    differs,
    apply([word], to) {
      Object.assign(to.server.get(key), { [value]: integer(word, { name, min, max }) });
    },
  };
}

/** CompressionMinSize. */
export const minSizeRow: Directive = {
  name: "CompressionMinSize",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: 1,
  syntax: "CompressionMinSize bytes",
  help:
    "Answers whose length is known, and less, are not compressed by DEFLATE, BROTLI_COMPRESS and ZSTD_COMPRESS",
  default: "0",
  override: "FileInfo",
  differs: "Not in httpd.",
  apply([word], to) {
    const size = bytes(word);
    if (size < 0) throw new ArgumentError("must be a number of bytes", true);
    to.dir.get(minSize).bytes = size;
  },
};

/** Tells the logs what a filter has done. */
export function note(exchange: Exchange, { input, output, ratio }: FilterNotes, counts: Counts): void {
  const notes = exchange.notes ??= new Map();
  if (input !== undefined) notes.set(input, String(counts.input));
  if (output !== undefined) notes.set(output, String(counts.output));
  const percent = counts.input === 0 ? "-" : String(Math.floor(counts.output * 100 / counts.input));
  if (ratio !== undefined) notes.set(ratio, percent);
}
