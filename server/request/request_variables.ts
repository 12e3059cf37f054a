// Which variables has a request? Those that modules have set, and UNIQUE_ID (mod_unique_id), which is made when it is first asked for:
// whoever does not log it or pass it on does not pay for it.

import type { Exchange } from "./exchange.ts";

const UNIQUE_ID = "UNIQUE_ID";
/** Bytes: seconds since 1970, random ones of this thread, a counter. */
const SECONDS_SIZE = 4;
const RANDOM_SIZE = 12;
const COUNTER_SIZE = 4;

const bytes = new Uint8Array(SECONDS_SIZE + RANDOM_SIZE + COUNTER_SIZE);
const view = new DataView(bytes.buffer);
crypto.getRandomValues(bytes.subarray(SECONDS_SIZE));
let counter = view.getUint32(SECONDS_SIZE + RANDOM_SIZE);

/** 27 characters of letters, digits, - and _ that no other request has, on any machine. */
function newUniqueId(startTime: number): string {
  counter = counter + 1 >>> 0;
  view.setUint32(0, Math.floor(startTime / 1000) % 0x1_0000_0000);
  view.setUint32(SECONDS_SIZE + RANDOM_SIZE, counter);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Where variables come from that are found out when they are asked for. */
export type VariableSource = (exchange: Exchange, name: string) => string | undefined;

const sources: VariableSource[] = [];

/** Variables that no module has set are looked for in `source`, by all of this thread. */
export function addVariableSource(source: VariableSource): void {
  sources.push(source);
}

/** The value of a variable of a request; undefined: it has none of that name. */
export function requestVariable(exchange: Exchange, name: string): string | undefined {
  const value = exchange.environment?.get(name);
  if (value !== undefined) return value;
  if (name === UNIQUE_ID) return exchange.uniqueId ??= newUniqueId(exchange.startTime);
  for (const source of sources) {
    const found = source(exchange, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
