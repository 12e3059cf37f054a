// What does a client say before anything is agreed on? The ClientHello, looked at before it is read: which name it asks for decides
// with which certificate it is answered (RFC 8446, 4.1.2; RFC 6066, 3).
//
// Looked at, not called back about: a callback out of the library would run within a call of ours.

/** A whole message. */
interface ClientHello {
  readonly bytes: readonly number[];
  readonly end: number;
}

/** What the first bytes of a connection are. */
export type FirstBytes =
  /** More of it has to arrive: so many bytes of the stream, from its beginning. */
  | { readonly kind: "partial"; readonly needed: number }
  /** The name is in lower case; undefined: none was given, or it is none that a host can have. */
  | { readonly kind: "hello"; readonly serverName: string | undefined; readonly message: ClientHello }
  /** A request of HTTP, in plain text. */
  | { readonly kind: "plain" }
  /** Anything else; it is for the library to say what is wrong. */
  | { readonly kind: "other" };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const APPLICATION_PROTOCOLS = 16;
const RECORD_HEAD = 5;
const MESSAGE_HEAD = 4;
/** Of a longer one the name is not looked for. Those of today, with keys that withstand quantum computers, have less than 2,000. */
export const LONGEST_HELLO = 16_384;

const OTHER: FirstBytes = { kind: "other" };

/** Looks at the first `length` of `bytes`, which begin a connection. */
export function readFirstBytes(bytes: Uint8Array, length: number): FirstBytes {
  if (length === 0) return { kind: "partial", needed: 1 };
  if (bytes[0] !== HANDSHAKE) return isLetter(bytes[0]) ? { kind: "plain" } : OTHER;
  const message: number[] = [];
  let wanted = MESSAGE_HEAD;
  // A message may be spread over records.
  for (let at = 0; message.length < wanted;) {
    if (at + RECORD_HEAD > LONGEST_HELLO) return OTHER;
    if (at + RECORD_HEAD > length) return { kind: "partial", needed: at + RECORD_HEAD };
    const size = bytes[at + 3] << 8 | bytes[at + 4];
    if (bytes[at] !== HANDSHAKE || size === 0 || at + RECORD_HEAD + size > LONGEST_HELLO) return OTHER;
    if (at + RECORD_HEAD + size > length) return { kind: "partial", needed: at + RECORD_HEAD + size };
    for (let i = 0; i < size; i++) message.push(bytes[at + RECORD_HEAD + i]);
    at += RECORD_HEAD + size;
    if (message[0] !== CLIENT_HELLO) return OTHER;
    if (message.length >= MESSAGE_HEAD) {
      wanted = MESSAGE_HEAD + (message[1] << 16 | message[2] << 8 | message[3]);
    }
  }
  const hello = { bytes: message, end: wanted };
  return { kind: "hello", serverName: hostName(extension(hello, SERVER_NAME)), message: hello };
}

function isLetter(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a || byte >= 0x61 && byte <= 0x7a;
}

/** The content of an extension; empty: it is not there, or not as it should be: then the library refuses it. */
function extension({ bytes, end }: ClientHello, wanted: number): readonly number[] {
  // Version, random, session id, cipher suites, compression methods.
  let at = MESSAGE_HEAD + 2 + 32;
  const u16 = (position: number) => bytes[position] << 8 | bytes[position + 1];
  at += 1 + bytes[at];
  at += 2 + u16(at);
  at += 1 + bytes[at];
  for (at += 2; at + 4 <= end;) {
    const size = u16(at + 2);
    const body = at + 4;
    if (body + size > end) return [];
    if (u16(at) === wanted) return bytes.slice(body, body + size);
    at = body + size;
  }
  return [];
}

/** True when `protocol` is all that the client offers to agree on (ALPN, RFC 7301). */
export function offersOnly(message: ClientHello, protocol: string): boolean {
  const list = extension(message, APPLICATION_PROTOCOLS);
  return list.length === 3 + protocol.length && String.fromCharCode(...list.slice(3)) === protocol;
}

/** The first name of a list of them. */
function hostName(list: readonly number[]): string | undefined {
  if (list.length < 5 || list[2] !== HOST_NAME) return undefined;
  const size = list[3] << 8 | list[4];
  const bytes = list.slice(5, 5 + size);
  if (bytes.length !== size || size === 0 || size > 255) return undefined;
  const name = String.fromCharCode(...bytes).toLowerCase();
  return /^[\w.-]+$/.test(name) ? name.replace(/\.$/, "") : undefined;
}
