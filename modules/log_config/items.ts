// What does each item of a LogFormat show? One table (http-core.md 13).

import { ArgumentError } from "../../server/config/mod.ts";
import { escapeItem } from "./escape.ts";
import type { LogRecord } from "./record.ts";
import { CLF_TIME, timeFormat } from "./time.ts";

/** The text of an item for one request. */
export type Item = (record: LogRecord) => string;

/** A LogFormat that cannot be used; a ConfigError once the directive is known. */
export class FormatError extends ArgumentError {}

/** What stands for something that is not there. */
export const ABSENT = "-";

function shown(text: string | undefined): string {
  return text === undefined ? ABSENT : escapeItem(text);
}

const numeric = (value: number | undefined): string => value === undefined ? ABSENT : String(value);

/** The password of a URI with user information is nobody's business (RFC 9110 §4.2.4). */
function requestLine({ requestLine: line }: LogRecord): string {
  if (line === undefined) return ABSENT;
  const target = line.indexOf(" ") + 1;
  const masked = line.charCodeAt(target) === 0x2f ? line : maskPassword(line);
  return escapeItem(masked);
}

function maskPassword(line: string): string {
  return line.replace(/^(\S+ [A-Za-z][\w+.-]*:\/\/[^\s\/?#:@]*):[^\s\/?#]*@/, "$1:XXXXXXXX@");
}

function duration(unit: string): Item {
  switch (unit) {
    case "us":
      return (record) => String(Math.floor(record.durationMicros));
    case "ms":
      return (record) => String(Math.floor(record.durationMicros / 1000));
    case "s":
      return (record) => String(Math.floor(record.durationMicros / 1_000_000));
    default:
      throw new FormatError(`%{${unit}}T: the unit must be s, ms or us`);
  }
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
      return (record) => String(Math.floor(moment(record) / 1000));
    case "msec":
      return (record) => String(Math.floor(moment(record)));
    case "usec":
      return (record) => String(Math.floor(moment(record) * 1000));
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
      return (record) => String(record.port);
    case "local":
      return (record) => String(record.localPort);
    case "remote":
      return (record) => String(record.clientPort);
    default:
      throw new FormatError(`%{${kind}}p: the port must be canonical, local or remote`);
  }
}

function process(kind: string): Item {
  switch (kind) {
    case "pid":
      return (record) => String(record.pid);
    case "tid":
      return (record) => String(record.tid);
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
function named(letter: string, make: (name: string) => Item): (argument: string | undefined) => Item {
  return (name) => {
    if (name === undefined || name === "") throw new FormatError(`%${letter} needs a name in braces`);
    return make(name);
  };
}

interface ItemRow {
  /** Makes the item for what stands in braces. */
  readonly make: (argument: string | undefined) => Item;
  /** After internal redirects, the item is of the original request unless `>` says otherwise. */
  readonly original?: true;
}

/** The items by letter. */
export const ITEMS: ReadonlyMap<string, ItemRow> = new Map<string, ItemRow>([
  ["a", { make: address }],
  ["A", { make: () => (record) => record.localAddress }],
  ["b", { make: () => (record) => record.bodyBytes === 0 ? ABSENT : String(record.bodyBytes) }],
  ["B", { make: () => (record) => String(record.bodyBytes) }],
  ["C", { make: named("C", (name) => (record) => shown(record.cookie(name))) }],
  ["D", { make: () => duration("us"), original: true }],
  ["e", { make: named("e", (name) => (record) => shown(record.env(name))) }],
  ["f", { make: () => (record) => shown(record.filename) }],
  ["h", { make: address }],
  ["H", { make: () => (record) => record.protocol }],
  ["i", {
    make: named("i", (name) => {
      const lower = name.toLowerCase();
      return (record) => shown(record.requestHeader(lower));
    }),
  }],
  ["I", { make: () => (record) => numeric(record.bytesIn) }],
  ["k", { make: () => (record) => String(record.keepAliveCount) }],
  // Nobody runs an ident daemon (RFC 1413) these days: what httpd shows without mod_ident.
  ["l", { make: () => () => ABSENT }],
  ["L", { make: () => (record) => shown(record.logId), original: true }],
  ["m", { make: () => (record) => shown(record.method) }],
  ["n", { make: named("n", (name) => (record) => shown(record.note(name))) }],
  ["o", {
    make: named("o", (name) => {
      const lower = name.toLowerCase();
      return (record) => shown(record.responseHeader(lower));
    }),
  }],
  ["O", { make: () => (record) => numeric(record.bytesOut) }],
  ["p", { make: (kind) => port(kind ?? "canonical") }],
  ["P", { make: (kind) => process(kind ?? "pid") }],
  ["q", { make: () => (record) => record.query === "" ? "" : escapeItem(`?${record.query}`) }],
  ["r", { make: () => requestLine, original: true }],
  ["R", { make: () => (record) => shown(record.handler), original: true }],
  ["s", { make: () => (record) => String(record.status), original: true }],
  ["S", {
    make: () => ({ bytesIn, bytesOut }) =>
      numeric(bytesIn === undefined || bytesOut === undefined ? undefined : bytesIn + bytesOut),
  }],
  ["t", { make: (argument) => time(argument ?? "") }],
  ["T", { make: (unit) => duration(unit ?? "s"), original: true }],
  ["u", { make: () => (record) => record.user === "" ? '""' : shown(record.user) }],
  ["U", { make: () => (record) => shown(record.path), original: true }],
  ["v", { make: () => (record) => escapeItem(record.serverName) }],
  ["V", { make: () => (record) => escapeItem(record.requestedName) }],
  ["X", { make: () => (record) => record.connectionState }],
  ["^FB", { make: () => ({ firstByteMicros: us }) => numeric(us === undefined ? us : Math.floor(us)) }],
  ["^ti", {
    make: named("^ti", (name) => {
      const lower = name.toLowerCase();
      return (record) => shown(record.requestTrailer(lower));
    }),
  }],
  ["^to", {
    make: named("^to", (name) => {
      const lower = name.toLowerCase();
      return (record) => shown(record.responseTrailer(lower));
    }),
  }],
]);
