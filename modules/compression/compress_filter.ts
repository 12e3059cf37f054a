// Which answers are compressed, and what does their head say then? The rules of httpd's mod_deflate and mod_brotli, for any content coding.

import { fieldOf, listHasETag, merged, withField, without } from "../../server/http/content/mod.ts";
import { discardReply } from "../../server/http/engine/body_sender.ts";
import { type Body, type Fields, NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import {
  filterBody,
  FilterType,
  joined,
  type OutputFilter,
  piecesOf,
} from "../../server/request/filters/mod.ts";
import { requestVariable } from "../../server/request/request_variables.ts";
import { acceptsCoding } from "./accept_encoding.ts";
import { coded, type Coder, type Counts } from "./coder.ts";
import { type CodingServer, minSize, note } from "./settings.ts";
import { loadZlib, type Zlib, zlibNow } from "./zlib.ts";

/** What is compressed at once (bytes); larger bodies piece by piece. */
const AT_ONCE = 65_536;
/** A file up to this size (bytes) is compressed as a whole, for everybody who asks for it meanwhile and later. */
const LARGEST_KEPT = 2 * 1024 * 1024;
/** A compressed answer up to this size (bytes) may be kept. */
const LARGEST_MESSAGE = 1024 * 1024;

/** A content coding, as its filter needs it. */
export interface Coding {
  /** "DEFLATE" */
  readonly filter: string;
  /** "gzip": in fields, and behind ETags. */
  readonly name: string;
  /** A variable of the request that keeps it from being used: "no-gzip". */
  readonly refusedBy: string;
  /** One that has it used whatever the client takes. */
  readonly forcedBy?: string;
  /** One that, being "1", has it used for text/html only. */
  readonly htmlOnlyBy?: string;
  settingsOf(exchange: Exchange): CodingServer;
  coderOf(exchange: Exchange, zlib: Zlib): Coder;
}

/** Files that are being compressed at the moment, by all that decides about the result. */
const inWork = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** The filter of a coding. */
export function compressFilter(coding: Coding): OutputFilter {
  return {
    name: coding.filter,
    type: FilterType.ContentSet,
    keepable: true,
    filter: (exchange, reply) => compress(exchange, reply, coding),
  };
}

/** True where the content has a coding already that is one. */
function isCoded(reply: Reply): boolean {
  const codings = fieldOf(reply.fields, "content-encoding") ?? "";
  return codings.split(",").some((each) =>
    !["", "identity", "7bit", "8bit", "binary"].includes(each.trim().toLowerCase())
  );
}

/** The length (bytes) of a body, where it is known. */
function knownLength({ body, declaredLength }: Reply): number | undefined {
  if (body.kind === "none") return declaredLength ?? 0;
  if (body.kind === "bytes") return body.bytes.length;
  // Of a text there are at least as many bytes as characters.
  return body.kind === "text" ? body.text.length : body.length;
}

function compress(exchange: Exchange, given: Reply, coding: Coding): Reply | Promise<Reply> {
  const { head } = exchange;
  // A part of another answer is compressed with that.
  if (exchange.main !== undefined) return given;
  if (given.status < 200 || requestVariable(exchange, coding.refusedBy) !== undefined) return given;
  if (
    coding.htmlOnlyBy !== undefined && requestVariable(exchange, coding.htmlOnlyBy) === "1" &&
    given.contentType?.startsWith("text/html") !== true
  ) return given;
  if (isCoded(given)) return given;
  const length = knownLength(given);
  const { bytes: least = 0 } = exchange.dir.get(minSize);
  // An application's answer to HEAD need not know how long its content would be.
  const asked = head.method === "HEAD" && given.declaredLength === undefined && given.body.kind === "none";
  if (!asked && length !== undefined && (length === 0 || length < least)) return given;
  exchange.selectedBy = Field.AcceptEncoding;
  const reply = { ...given, fields: merged(given.fields, "Vary", "Accept-Encoding") };
  // A part of the content as it is: whoever asks for parts puts them together himself.
  if (fieldOf(given.fields, "content-range") !== undefined) return reply;
  const forced = coding.forcedBy !== undefined && requestVariable(exchange, coding.forcedBy) !== undefined;
  if (!forced && !acceptsCoding(head.field(Field.AcceptEncoding), coding.name)) return reply;
  exchange.variant += coding.name;
  return compressed(exchange, reply, coding);
}

/** `reply` with the coding. */
function compressed(exchange: Exchange, given: Reply, coding: Coding): Reply | Promise<Reply> {
  const zlib = zlibNow();
  if (zlib === undefined) return loadZlib().then(() => compressed(exchange, given, coding));
  const { alterETag = "AddSuffix", notes } = coding.settingsOf(exchange);
  const plain = without(without(given.fields, "content-md5"), "content-length");
  const fields = alteredETag(withField(plain, "Content-Encoding", coding.name), alterETag, coding.name);
  const etag = fieldOf(fields, "etag");
  if (isKnown(exchange, given, etag)) {
    discardReply(given);
    return {
      ...given,
      status: 304,
      fields: without(fields, "content-encoding"),
      body: NO_BODY,
      declaredLength: undefined,
    };
  }
  const reply: Reply = { ...given, fields, declaredLength: undefined };
  const coder = coding.coderOf(exchange, zlib);
  const counts: Counts = { input: 0, output: 0 };
  const { body } = given;
  const small = smallContent(body);
  const tell = () => {
    if (notes !== undefined) note(exchange, notes, counts);
  };
  if (small !== undefined) {
    // Memory that nobody shares.
    const bytes = coder.whole(small) as Uint8Array<ArrayBuffer>;
    Object.assign(counts, { input: small.length, output: bytes.length });
    tell();
    return { ...reply, body: { kind: "bytes", bytes } };
  }
  const file = wholeFile(exchange, given);
  if (file !== undefined) {
    return sharedContent(`${coding.name} ${file} ${JSON.stringify(coding.settingsOf(exchange))}`, body, coder)
      .then((bytes) => {
        exchange.cacheable = exchange.head.method === "GET" && bytes.length <= LARGEST_MESSAGE;
        Object.assign(counts, { input: exchange.file!.size, output: bytes.length });
        tell();
        return { ...reply, body: { kind: "bytes", bytes } };
      });
  }
  return filterBody(reply, async function* (pieces) {
    yield* coded(pieces, coder.stream(), counts);
    tell();
  });
}

/** The client has the compressed form: If-None-Match names its ETag, which the handler did not know. */
function isKnown({ head, failed }: Exchange, { status }: Reply, etag: string | undefined): boolean {
  const known = head.field(Field.IfNoneMatch);
  return known !== undefined && etag !== undefined && status === 200 && failed === undefined &&
    (head.method === "GET" || head.method === "HEAD") && listHasETag(known, etag, false);
}

const encoder = new TextEncoder();

/** What is small enough to be compressed at once. */
function smallContent(body: Body): Uint8Array<ArrayBuffer> | undefined {
  if (body.kind === "bytes" && body.bytes.length <= AT_ONCE) return body.bytes;
  return body.kind === "text" && body.text.length <= AT_ONCE ? encoder.encode(body.text) : undefined;
}

/** Says which file all of the body is, in the state that its ETag is about; undefined: it is something else, or too large to be kept. */
function wholeFile({ file, filename }: Exchange, { body, status, fields }: Reply): string | undefined {
  if (body.kind !== "parts" || body.parts.length !== 1 || status !== 200 || file === undefined) {
    return undefined;
  }
  const [part] = body.parts;
  if (
    part instanceof Uint8Array || part.offset !== 0 || part.length !== file.size || file.size > LARGEST_KEPT
  ) {
    return undefined;
  }
  // It may change again without being another by its time.
  if (fieldOf(fields, "etag")?.startsWith("W/") === true) return undefined;
  return `${file.inode} ${file.mtime} ${file.size} ${filename}`;
}

/** The compressed content of a file, made once for all who ask while it is made. */
function sharedContent(key: string, body: Body, coder: Coder): Promise<Uint8Array<ArrayBuffer>> {
  const known = inWork.get(key);
  if (known !== undefined) {
    discardReply({ status: 200, fields: [], body });
    return known;
  }
  const made = joined(coded(piecesOf(body), coder.stream(), { input: 0, output: 0 }))
    .finally(() => inWork.delete(key));
  inWork.set(key, made);
  return made;
}

/** The ETag of another form of the content has another name. */
export function alteredETag(fields: Fields, how: CodingServer["alterETag"], suffix: string): Fields {
  if (how === "NoChange") return fields;
  const etag = fieldOf(fields, "etag");
  if (how === "Remove") return without(fields, "etag");
  if (etag === undefined || etag.length < 3 || !etag.endsWith('"')) return fields;
  return withField(fields, "ETag", `${etag.slice(0, -1)}-${suffix}"`);
}
