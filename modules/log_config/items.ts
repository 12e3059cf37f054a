// What does each item of a LogFormat show? One table (http-core.md 13).

import { ArgumentError } from "../../server/config/mod.ts";
import { CLF_TIME, timeFormat } from "../../server/log/strftime.ts";
import type { LogRecord } from "./record.ts";
import type { Value } from "./value.ts";

/** What an item shows of one request. */
export type Item = (record: LogRecord) => Value;

/** A LogFormat that cannot be used; a ConfigError once the directive is known. */
export class FormatError extends ArgumentError {}

/** The password of a URI with user information is nobody's business (RFC 9110 §4.2.4). */
function requestLine({ requestLine: line }: LogRecord): string | undefined {
  if (line === undefined) return undefined;
  const target = line.indexOf(" ") + 1;
  return line.charCodeAt(target) === 0x2f ? line : maskPassword(line);
}

function maskPassword(line: string): string {
  return line.replace(/^(\S+ [A-Za-z][\w+.-]*:\/\/[^\s\/?#:@]*):[^\s\/?#]*@/, "$1:XXXXXXXX@");
}

const MICROS: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

function duration(unit: string): Item {
  const micros = MICROS[unit];
  if (micros === undefined) throw new FormatError(`%{${unit}}T: the unit must be s, ms or us`);
  return (record) => Math.floor(record.durationMicros / micros);
}

/** %{...}t: `begin` (default) or `end`, then perhaps a colon and what to show of it. */
function time(argument: string): Item {
  const [, prefix, rest] = /^(?:(begin|end)(?::|$))?(.*)$/s.exec(argument)!;
  const moment = prefix === "end"
    ? (record: LogRecord) => record.endTime
    : (record: LogRecord) => record.startTime;
  const fraction = (record: LogRecord) => moment(record) - Math.floor(moment(record) / 1000) * 1000;
  switch (rest) {
    case "sec":
      return (record) => Math.floor(moment(record) / 1000);
    case "msec":
      return (record) => Math.floor(moment(record));
    case "usec":
      return (record) => Math.floor(moment(record) * 1000);
    case "msec_frac":
      return (record) => String(Math.floor(fraction(record))).padStart(3, "0");
    case "usec_frac":
      return (record) => String(Math.floor(fraction(record) * 1000)).padStart(6, "0");
  }
  const text = timeFormat(rest === "" ? CLF_TIME : rest);
  return (record) => text(moment(record));
}

function port(kind: string): Item {
  switch (kind) {
    case "canonical":
      return (record) => record.port;
    case "local":
      return (record) => record.localPort;
    case "remote":
      return (record) => record.clientPort;
    default:
      throw new FormatError(`%{${kind}}p: the port must be canonical, local or remote`);
  }
}

function process(kind: string): Item {
  switch (kind) {
    case "pid":
      return (record) => record.pid;
    case "tid":
      return (record) => record.tid;
    case "hextid":
      return (record) => record.tid.toString(16);
    default:
      throw new FormatError(`%{${kind}}P: it must be pid, tid or hextid`);
  }
}

/** %a and %h: `c` in braces means whoever is connected. There are no look-ups of host names: %h is an address. */
function address(kind: string | undefined): Item {
  if (kind === "c") return (record) => record.peerAddress;
  return (record) => record.clientAddress;
}

/** An item that needs a name in braces. */
function named(
  letter: string,
  value: (record: LogRecord, name: string) => string | undefined,
): (argument: string | undefined) => Item {
  return (name) => {
    if (name === undefined || name === "") throw new FormatError(`%${letter} needs a name in braces`);
    return (record) => value(record, name);
  };
}

/** One that needs the name of a field. */
function field(letter: string, value: (record: LogRecord, name: string) => string | undefined) {
  const make = named(letter, value);
  return (argument: string | undefined): Item => make(argument?.toLowerCase());
}

/** %{...}c, the old way to ask for what %{SSL_...}x shows. */
const CONNECTION: Readonly<Record<string, string>> = {
  version: "SSL_PROTOCOL",
  cipher: "SSL_CIPHER",
  subjectdn: "SSL_CLIENT_S_DN",
  issuerdn: "SSL_CLIENT_I_DN",
  errcode: "SSL_CLIENT_VERIFY",
  errstr: "SSL_CLIENT_VERIFY",
};

function connection(argument: string | undefined): Item {
  const name = argument === undefined ? undefined : CONNECTION[argument];
  if (name === undefined) {
    throw new FormatError(`%{${argument ?? ""}}c: it must be one of ${Object.keys(CONNECTION).join(", ")}`);
  }
  return (record) => record.env(name);
}

interface ItemRow {
  /** Makes the item for what stands in braces. */
  readonly make: (argument: string | undefined) => Item;
  /** After internal redirects, the item is of the original request unless `>` says otherwise. */
  readonly original?: true;
  /** What it shows does not come from the client, and needs no escaping. */
  readonly own?: true;
}

/** The items by letter. */
export const ITEMS: ReadonlyMap<string, ItemRow> = new Map<string, ItemRow>([
  ["a", { make: address, own: true }],
  ["A", { make: () => (record) => record.localAddress, own: true }],
  ["b", { make: () => (record) => record.bodyBytes === 0 ? undefined : record.bodyBytes }],
  ["B", { make: () => (record) => record.bodyBytes }],
  ["c", { make: connection }],
  ["C", { make: named("C", (record, name) => record.cookie(name)) }],
  ["D", { make: () => duration("us"), original: true }],
  ["e", { make: named("e", (record, name) => record.env(name)) }],
  ["f", { make: () => (record) => record.filename }],
  ["h", { make: address, own: true }],
  ["H", { make: () => (record) => record.protocol, own: true }],
  ["i", { make: field("i", (record, name) => record.requestHeader(name)) }],
  ["I", { make: () => (record) => record.bytesIn }],
  ["k", { make: () => (record) => record.keepAliveCount }],
  // Nobody runs an ident daemon (RFC 1413) these days: what httpd shows without mod_ident.
  ["l", { make: () => () => undefined }],
  ["L", { make: () => (record) => record.logId, original: true }],
  ["m", { make: () => (record) => record.method }],
  ["n", { make: named("n", (record, name) => record.note(name)) }],
  ["o", { make: field("o", (record, name) => record.responseHeader(name)) }],
  ["O", { make: () => (record) => record.bytesOut }],
  ["p", { make: (kind) => port(kind ?? "canonical") }],
  ["P", { make: (kind) => process(kind ?? "pid"), own: true }],
  ["q", { make: () => (record) => record.query === "" ? "" : `?${record.query}` }],
  ["r", { make: () => requestLine, original: true }],
  ["R", { make: () => (record) => record.handler, original: true }],
  ["s", { make: () => (record) => record.status, original: true }],
  ["S", {
    make: () => ({ bytesIn, bytesOut }) =>
      bytesIn === undefined || bytesOut === undefined ? undefined : bytesIn + bytesOut,
  }],
  ["t", { make: (argument) => time(argument ?? ""), own: true }],
  ["T", { make: (unit) => duration(unit ?? "s"), original: true }],
  ["u", { make: () => (record) => record.user }],
  ["U", { make: () => (record) => record.path, original: true }],
  ["v", { make: () => (record) => record.serverName }],
  ["V", { make: () => (record) => record.requestedName }],
  ["x", { make: named("x", (record, name) => record.env(name)) }],
  ["X", { make: () => (record) => record.connectionState, own: true }],
  ["^FB", {
    make: () => ({ firstByteMicros: micros }) => micros === undefined ? undefined : Math.floor(micros),
  }],
  ["^ti", { make: field("^ti", (record, name) => record.requestTrailer(name)) }],
  ["^to", { make: field("^to", (record, name) => record.responseTrailer(name)) }],
]);
