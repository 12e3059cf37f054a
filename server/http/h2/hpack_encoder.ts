// How do the fields of a response become a header block? HPACK (RFC 7541) without a dynamic table: what is sent depends on nothing that
// was sent before, so that a block can be made ahead for every client, and a connection has no state for it.

import type { OutputBuffer } from "../engine/output.ts";
import { STATIC_FIELDS, staticNames } from "./static_table.ts";

/** Names are remembered as the bytes that stand for them; what handlers make up has a limit. */
const MOST_NAMES = 512;
const names = new Map<string, Uint8Array<ArrayBuffer>>();
const statuses = new Map(
  STATIC_FIELDS.flatMap(([name, value], at) => name === ":status" ? [[Number(value), 0x81 + at]] : []),
);

/** Appends `:status`. */
export function encodeStatus(output: OutputBuffer, status: number): void {
  const indexed = statuses.get(status);
  output.reserve(5);
  if (indexed !== undefined) {
    output.bytes[output.length++] = indexed;
    return;
  }
  output.append(nameBytes(":status"));
  encodeValue(output, String(status));
}

/** Appends a field that is not to be remembered. Names are sent in lower case; both are bytes of ISO 8859-1. */
export function encodeField(output: OutputBuffer, name: string, value: string): void {
  const bytes = names.get(name) ?? nameBytes(name);
  output.reserve(bytes.length + value.length + 6);
  for (let i = 0; i < bytes.length; i++) output.bytes[output.length++] = bytes[i];
  encodeValue(output, value);
}

function nameBytes(asGiven: string): Uint8Array<ArrayBuffer> {
  const known = names.get(asGiven);
  if (known !== undefined) return known;
  const name = asGiven.toLowerCase();
  const index = staticNames.get(name);
  const bytes: number[] = [];
  if (index !== undefined) number(bytes, 0x00, 0x0f, index);
  else {
    bytes.push(0);
    number(bytes, 0x00, 0x7f, name.length);
    for (let i = 0; i < name.length; i++) bytes.push(name.charCodeAt(i));
  }
  const made = Uint8Array.from(bytes);
  if (names.size >= MOST_NAMES) names.clear();
  names.set(asGiven, made);
  return made;
}

function encodeValue(output: OutputBuffer, value: string): void {
  const { length } = value;
  if (length < 0x7f) {
    output.reserve(1);
    output.bytes[output.length++] = length;
  } else {
    const bytes: number[] = [];
    number(bytes, 0x00, 0x7f, length);
    output.append(Uint8Array.from(bytes));
  }
  output.latin1(value);
}

/** RFC 7541, 5.1. */
function number(bytes: number[], first: number, mask: number, value: number): void {
  if (value < mask) {
    bytes.push(first | value);
    return;
  }
  bytes.push(first | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest & 0x7f | 0x80);
  bytes.push(rest);
}
