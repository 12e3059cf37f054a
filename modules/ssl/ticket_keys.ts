// With which keys are session tickets encrypted? With those of a file, or with some that the control process makes and keeps for a
// day: all children have the same, before and after a restart.

import { ConfigError } from "../../server/config/mod.ts";
import type { NamedFile } from "./config.ts";

/** Bytes: a name of 16, and keys for HMAC and AES of 32 each. */
const SIZE = 80;
/** A file as httpd wants it has a name of 16, and keys of 16 each. */
const FILE_SIZE = 48;
const LIFE_MS = 24 * 3600 * 1000;

let own: { readonly keys: string; readonly since: number } | undefined;

/** Hexadecimal digits of 80 bytes. @throws ConfigError */
export function ticketKeys(file: NamedFile | undefined): string {
  if (file !== undefined) return keysOf(file);
  if (own === undefined || Date.now() - own.since > LIFE_MS) {
    own = { keys: crypto.getRandomValues(new Uint8Array(SIZE)).toHex(), since: Date.now() };
  }
  return own.keys;
}

function keysOf({ path, where, directive }: NamedFile): string {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(where, `AH02286: Failed to read ticket key file ${path}`, directive);
  }
  if (bytes.length < FILE_SIZE) {
    throw new ConfigError(
      where,
      `AH02286: Failed to read ticket key file ${path}: it has ${bytes.length} of ${FILE_SIZE} bytes`,
      directive,
    );
  }
  // This library wants keys of twice the length: each half has all there is to know.
  const [name, hmac, aes] = [bytes.subarray(0, 16), bytes.subarray(16, 32), bytes.subarray(32, 48)];
  return [name, hmac, hmac, aes, aes].map((part) => part.toHex()).join("");
}
