// What does each item of a LogFormat show? One table (http-core.md 13).

import { ArgumentError } from "../../server/config/mod.ts";
import { CLF_TIME, timeFormat } from "../../server/log/strftime.ts";
import { asBytes, type LineWriter } from "./line.ts";
import type { LogRecord } from "./record.ts";

/** Puts the value of an item for one request into a line: one value, always. */
export type Item = (record: LogRecord, to: LineWriter) => void;

/** A LogFormat that cannot be used; a ConfigError once the directive is known. */
export class FormatError extends ArgumentError {}

/** The password of a URI with user information is nobody's business (RFC 9110 §4.2.4). */
function requestLine({ requestLine: line }: LogRecord, to: LineWriter): void {
  if (line === undefined) return to.absent();
  const target = line.indexOf(" ") + 1;
  to.text(line.charCodeAt(target) === 0x2f ? line : maskPassword(line));
}

function maskPassword(line: string): string {
  return line.replace(/^(\S+ [A-Za-z][\w+.-]*:\/\/[^\s\/?#:@]*):[^\s\/?#]*@/, "$1:XXXXXXXX@");
}

const MICROS: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

function duration(unit: string): Item {
  const micros = MICROS[unit];
  if (micros === undefined) throw new FormatError(`%{${unit}}T: the unit must be s, ms or us`);
  return (record, to) => to.number(Math.floor(record.durationMicros / micros));
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
      return (record, to) => to.number(Math.floor(moment(record) / 1000));
    case "msec":
      return (record, to) => to.number(Math.floor(moment(record)));
    case "usec":
      return (record, to) => to.number(Math.floor(moment(record) * 1000));
    case "msec_frac":
      return (record, to) => to.own(String(Math.floor(fraction(record))).padStart(3, "0"));
    case "usec_frac":
      return (record, to) => to.own(String(Math.floor(fraction(record) * 1000)).padStart(6, "0"));
  }
  const text = timeFormat(rest === "" ? CLF_TIME : asBytes(rest));
  return (record, to) => to.own(text(moment(record)));
}

function port(kind: string): Item {
  switch (kind) {
    case "canonical":
      return (record, to) => to.number(record.port);
    case "local":
      return (record, to) => to.number(record.localPort);
    case "remote":
      return (record, to) => to.number(record.clientPort);
    default:
      throw new FormatError(`%{${kind}}p: the port must be canonical, local or remote`);
  }
}

function process(kind: string): Item {
  switch (kind) {
    case "pid":
      return (record, to) => to.number(record.pid);
    case "tid":
      return (record, to) => to.number(record.tid);
    case "hextid":
      return (record, to) => to.own(record.tid.toString(16));
    default:
      throw new FormatError(`%{${kind}}P: it must be pid, tid or hextid`);
  }
}

/** %a and %h: `c` in braces means whoever is connected. There are no look-ups of host names: %h is an address. */
function address(kind: string | undefined): Item {
  if (kind === "c") return (record, to) => to.own(record.peerAddress);
  return (record, to) => to.own(record.clientAddress);
}

/** An item that needs a name in braces. */
function named(letter: string, make: (name: string) => Item): (argument: string | undefined) => Item {
  return (name) => {
    if (name === undefined || name === "") throw new FormatError(`%${letter} needs a name in braces`);
    return make(name);
  };
}

/** One that needs the name of a field. */
function field(
  letter: string,
  value: (record: LogRecord, name: string) => string | undefined,
): (argument: string | undefined) => Item {
  return named(letter, (name) => {
    const lower = name.toLowerCase();
    return (record, to) => to.text(value(record, lower));
  });
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
  ["A", { make: () => (record, to) => to.own(record.localAddress) }],
  ["b", {
    make: () => (record, to) => record.bodyBytes === 0 ? to.absent() : to.number(record.bodyBytes),
  }],
  ["B", { make: () => (record, to) => to.number(record.bodyBytes) }],
  ["C", { make: named("C", (name) => (record, to) => to.text(record.cookie(name))) }],
  ["D", { make: () => duration("us"), original: true }],
  ["e", { make: named("e", (name) => (record, to) => to.text(record.env(name))) }],
  ["f", { make: () => (record, to) => to.text(record.filename) }],
  ["h", { make: address }],
  ["H", { make: () => (record, to) => to.own(record.protocol) }],
  ["i", { make: field("i", (record, name) => record.requestHeader(name)) }],
  ["I", { make: () => (record, to) => to.number(record.bytesIn) }],
  ["k", { make: () => (record, to) => to.number(record.keepAliveCount) }],
  // Nobody runs an ident daemon (RFC 1413) these days: what httpd shows without mod_ident.
  ["l", { make: () => (_, to) => to.absent() }],
  ["L", { make: () => (record, to) => to.text(record.logId), original: true }],
  ["m", { make: () => (record, to) => to.text(record.method) }],
  ["n", { make: named("n", (name) => (record, to) => to.text(record.note(name))) }],
  ["o", { make: field("o", (record, name) => record.responseHeader(name)) }],
  ["O", { make: () => (record, to) => to.number(record.bytesOut) }],
  ["p", { make: (kind) => port(kind ?? "canonical") }],
  ["P", { make: (kind) => process(kind ?? "pid") }],
  ["q", { make: () => (record, to) => to.text(record.query === "" ? "" : `?${record.query}`) }],
  ["r", { make: () => requestLine, original: true }],
  ["R", { make: () => (record, to) => to.text(record.handler), original: true }],
  ["s", { make: () => (record, to) => to.number(record.status), original: true }],
  ["S", {
    make: () => ({ bytesIn, bytesOut }, to) =>
      to.number(bytesIn === undefined || bytesOut === undefined ? undefined : bytesIn + bytesOut),
  }],
  ["t", { make: (argument) => time(argument ?? "") }],
  ["T", { make: (unit) => duration(unit ?? "s"), original: true }],
  ["u", { make: () => (record, to) => record.user === "" ? to.own('""') : to.text(record.user) }],
  ["U", { make: () => (record, to) => to.text(record.path), original: true }],
  ["v", { make: () => (record, to) => to.text(record.serverName) }],
  ["V", { make: () => (record, to) => to.text(record.requestedName) }],
  ["X", { make: () => (record, to) => to.own(record.connectionState) }],
  ["^FB", { make: () => ({ firstByteMicros }, to) => to.number(firstByteMicros) }],
  ["^ti", { make: field("^ti", (record, name) => record.requestTrailer(name)) }],
  ["^to", { make: field("^to", (record, name) => record.responseTrailer(name)) }],
]);
