// Is there an OpenSSL here, and how is it called? libssl and libcrypto (3.0 or later) through FFI: calls that every thread of a
// process may make on what another has made.
//
// Addresses are bigints: as such they take the short way through FFI (9 ns; as numbers 200). An SSL object is good for one thread
// at a time; the error queue belongs to the operating system's thread and is empty between our calls.

import { system } from "./detect.ts";
import { CRYPTO, SSL } from "./openssl_symbols.ts";

export type SslCalls = Deno.DynamicLibrary<typeof SSL>["symbols"];
export type CryptoCalls = Deno.DynamicLibrary<typeof CRYPTO>["symbols"];

/** The library, as this thread calls it. */
export interface OpenSsl {
  readonly ssl: SslCalls;
  readonly crypto: CryptoCalls;
  /** "OpenSSL 3.0.19 27 Jan 2026" */
  readonly version: string;
}

/** The library is not here, or cannot be used: why, for people. */
export class NoOpenSsl extends Error {
  override readonly name = "NoOpenSsl";
}

/** Where it may be, in the order in which it is looked for: libssl, then libcrypto beside it. */
const PLACES: Readonly<Record<string, readonly (readonly [ssl: string, crypto: string])[]>> = {
  linux: [["libssl.so.3", "libcrypto.so.3"]],
  darwin: ["/opt/homebrew/opt/openssl@3/lib/", "/usr/local/opt/openssl@3/lib/", "/opt/local/lib/"].map((
    folder,
  ) => [`${folder}libssl.3.dylib`, `${folder}libcrypto.3.dylib`] as const),
};

let loaded: OpenSsl | undefined;

/** The library, loaded for this thread at the first call. @throws NoOpenSsl */
export function openSsl(): OpenSsl {
  if (loaded !== undefined) return loaded;
  const reasons: string[] = [];
  for (const [sslName, cryptoName] of PLACES[system] ?? []) {
    try {
      const crypto = Deno.dlopen(cryptoName, CRYPTO).symbols;
      const ssl = Deno.dlopen(sslName, SSL).symbols;
      const version = textAt(crypto, crypto.OpenSSL_version(0));
      return loaded = { ssl, crypto, version };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      reasons.push(error.message.split("\n", 1)[0]);
    }
  }
  throw new NoOpenSsl(reasons.length > 0 ? reasons.join("; ") : `no place is known for libssl on ${system}`);
}

/** The library, if this thread has loaded it. */
export function loadedOpenSsl(): OpenSsl | undefined {
  return loaded;
}

const decoder = new TextDecoder();

/** Bytes at an address, copied. It works in threads that have given up FFI, too. */
export function bytesAt(crypto: CryptoCalls, address: bigint, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (length > 0) crypto.memcpy(bytes, address, BigInt(length));
  return bytes;
}

/** A text that ends with a zero byte; "" at address 0. */
export function textAt(crypto: CryptoCalls, address: bigint): string {
  if (address === 0n) return "";
  return decoder.decode(bytesAt(crypto, address, Number(crypto.strlen(address))));
}

/** `text` as C has it. */
export function cText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** What OpenSSL says went wrong, from its queue, which is empty afterwards; `fallback` when it says nothing. */
export function takeError({ crypto }: OpenSsl, fallback: string): string {
  const texts: string[] = [];
  const buffer = new Uint8Array(256);
  for (let code = crypto.ERR_get_error(); code !== 0n; code = crypto.ERR_get_error()) {
    crypto.ERR_error_string_n(code, buffer, BigInt(buffer.length));
    const end = buffer.indexOf(0);
    const text = decoder.decode(buffer.subarray(0, end));
    // error:0A000126:SSL routines::unexpected eof while reading
    texts.push(text.split(":").slice(4).join(":") || text);
  }
  return texts.length > 0 ? [...new Set(texts)].join("; ") : fallback;
}

/** Runs `use` with a memory BIO that holds `content`. */
export function withBio<T>(
  { crypto }: OpenSsl,
  content: Uint8Array<ArrayBuffer>,
  use: (bio: bigint) => T,
): T {
  const bio = crypto.BIO_new(crypto.BIO_s_mem());
  try {
    if (content.length > 0) crypto.BIO_write(bio, content, content.length);
    return use(bio);
  } finally {
    crypto.BIO_free(bio);
  }
}

/** What `write` writes to a memory BIO, as text. */
export function bioText(openssl: OpenSsl, write: (bio: bigint) => void): string {
  return withBio(openssl, new Uint8Array(), (bio) => {
    write(bio);
    const bytes = new Uint8Array(Number(openssl.crypto.BIO_ctrl_pending(bio)));
    if (bytes.length > 0) openssl.crypto.BIO_read(bio, bytes, bytes.length);
    return decoder.decode(bytes);
  });
}
