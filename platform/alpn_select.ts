// How does OpenSSL learn which protocol to agree on (ALPN, RFC 7301)? It asks a function, in the middle of a handshake, on whichever
// thread that runs. Code of JavaScript may not be called from any thread; so the function is a few instructions of the machine's own,
// which do nothing but hand the question on to OpenSSL's SSL_select_next_proto, with our protocols beside the client's.
//
//   int select(SSL *, const unsigned char **out, unsigned char *outlen, const unsigned char *in, unsigned inlen, void *arg)
//     return SSL_select_next_proto(out, outlen, arg + 4, *(unsigned *) arg, in, inlen) == OPENSSL_NPN_NEGOTIATED
//       ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;

import { system } from "./detect.ts";
import { pageWith, READ, READ_EXECUTE } from "./code_page.ts";

/** The instructions, with `________` for the address of SSL_select_next_proto; assembled and tried on both processors. */
const CODE: Readonly<Record<string, string>> = {
  // endbr64; mov rdi, rsi; mov rsi, rdx; mov r10, r9; mov r9d, r8d; mov r8, rcx; lea rdx, [r10+4]; mov ecx, [r10]; sub rsp, 8;
  // mov rax, ________; call rax; add rsp, 8; xor ecx, ecx; cmp eax, 1; mov edx, 3; cmovne ecx, edx; mov eax, ecx; ret
  x86_64:
    "f30f1efa 4889f7 4889d6 4d89ca 4589c1 4989c8 498d5204 418b0a 4883ec08 48b8________ ffd0 4883c408 31c9 83f801 " +
    "ba03000000 0f45ca 89c8 c3",
  // stp x29, x30, [sp, #-16]!; mov x0, x1; mov x1, x2; mov w9, w4; mov x4, x3; ldr w3, [x5]; add x2, x5, #4; mov w5, w9;
  // ldr x9, ________; blr x9; cmp w0, #1; mov w0, #3; csel w0, wzr, w0, eq; ldp x29, x30, [sp], #16; ret; nop
  aarch64:
    "fd7bbfa9 e00301aa e10302aa e903042a e40303aa a30040b9 a2100091 e503092a 09010058 20013fd6 1f040071 60008052 " +
    "e003801a fd7bc1a8 c0035fd6 1f2003d5 ________",
};

/** True where the function can be made: on Linux, for these processors. */
export function canSelectProtocols(): boolean {
  return system === "linux" && CODE[Deno.build.arch] !== undefined;
}

let selector: bigint | undefined;

/**
 * The address of the function, for SSL_CTX_set_alpn_select_cb; `selectNextProto` is that of SSL_select_next_proto. To be asked only
 * where canSelectProtocols(). @throws SystemError
 */
export function protocolSelector(selectNextProto: bigint): bigint {
  if (selector !== undefined) return selector;
  const target = new Uint8Array(8);
  new DataView(target.buffer).setBigUint64(0, selectNextProto, true);
  const code = CODE[Deno.build.arch].replaceAll(" ", "").replace("________", target.toHex());
  return selector = pageWith(Uint8Array.fromHex(code), READ_EXECUTE);
}

const lists = new Map<string, bigint>();

/** What the function is given with a context (`arg`): our protocols, the preferred first. @throws SystemError */
export function protocolList(protocols: readonly string[]): bigint {
  const key = protocols.join(",");
  const known = lists.get(key);
  if (known !== undefined) return known;
  const encoder = new TextEncoder();
  const entries = protocols.flatMap((protocol) => [protocol.length, ...encoder.encode(protocol)]);
  const bytes = new Uint8Array(4 + entries.length);
  new DataView(bytes.buffer).setUint32(0, entries.length, true);
  bytes.set(entries, 4);
  const address = pageWith(bytes, READ);
  lists.set(key, address);
  return address;
}
