// How does OpenSSL learn that a response of OCSP may be sent with a certificate (RFC 6066, 8)? It asks a function in the middle of a
// handshake. The response is with the session already: the function does nothing but say yes, in the machine's own instructions.
//
//   int status(SSL *, void *arg) return SSL_TLSEXT_ERR_OK;

import { pageWith, READ_EXECUTE } from "./code_page.ts";
import { system } from "./detect.ts";

/** The instructions. */
const CODE: Readonly<Record<string, string>> = {
  // endbr64; xor eax, eax; ret
  x86_64: "f30f1efa31c0c3",
  // mov w0, #0; ret
  aarch64: "00008052c0035fd6",
};

/** True where the function can be made: on Linux, for these processors. */
export function canStaple(): boolean {
  return system === "linux" && CODE[Deno.build.arch] !== undefined;
}

let callback: bigint | undefined;

/** The address of the function. To be asked only where canStaple(). @throws SystemError */
export function statusCallback(): bigint {
  return callback ??= pageWith(Uint8Array.fromHex(CODE[Deno.build.arch]), READ_EXECUTE);
}
