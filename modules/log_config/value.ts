// How may a value stand in a line? In httpd's way, in which quotes, backslashes and everything that is not printable ASCII is
// escaped (http-core.md 13), so that neither a line nor a quoted item can be ended from outside; or as JSON (RFC 8259).

/** What an item shows of a request; undefined: there is nothing. */
export type Value = string | number | undefined;

/** What stands for something that is not there. */
const ABSENT = "-";

/** A text with one of these is not shown as it is. */
const SPECIAL = /[^ !#-[\]-~]/;
/** The same in JSON, which would let more pass: lines of ASCII suit every reader. */
const EACH_SPECIAL = /[^ !#-[\]-~]/gu;

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\r", "\\r"],
  ['"', '\\"'],
  ["\\", "\\\\"],
]);

const encoder = new TextEncoder();

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

function escaped(char: string): string {
  const short = SHORT.get(char);
  if (short !== undefined) return short;
  const code = char.codePointAt(0)!;
  if (code < 0x100) return `\\x${hex(code, 2)}`;
  return Array.from(encoder.encode(char), (byte) => `\\x${hex(byte, 2)}`).join("");
}

/** Escapes `text`, a character a byte; characters that are no byte are escaped as their UTF-8. */
export function escapeItem(text: string): string {
  return SPECIAL.test(text) ? text.replace(EACH_SPECIAL, escaped) : text;
}

/** A value in httpd's way. */
export function plainValue(value: Value): string | number {
  if (value === undefined) return ABSENT;
  return typeof value === "number" ? value : escapeItem(value);
}

/** The same for what comes from nobody else, and is shown as it is. */
export function ownValue(value: Value): string | number {
  return value ?? ABSENT;
}

/** A value as JSON has it. Bytes above ASCII are taken as ISO 8859-1. */
export function jsonValue(value: Value): string | number {
  if (value === undefined) return "null";
  if (typeof value === "number") return value;
  if (!SPECIAL.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (char) => `\\u${hex(char.charCodeAt(0), 4)}`);
}
