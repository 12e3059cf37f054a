// Which bytes may stand where in an HTTP/1.1 message? One class table, a bit for each rule of the grammar.

/** RFC 9110 §5.6.2 `tchar`: what a method or a field name is made of. */
export const TCHAR = 1;
/**
 * RFC 9110 §5.5 `field-vchar`, SP and HTAB: what a field value is made of under HttpProtocolOptions Strict.
 */
export const FIELD_VALUE = 2;
/**
 * What a field value may not have under HttpProtocolOptions Unsafe: CR, LF, VT, FF, and NUL (RFC 9110 §5.5).
 */
export const BREAKS_VALUE = 4;
/** VCHAR and obs-text: what a request target is made of, before it is looked at as a URI. */
export const TARGET = 8;
/** `TARGET` without `#`: an origin-form target of these needs no further look (RFC 9112 §3.2.1). */
export const PLAIN_TARGET = 16;
/** SP, HTAB, CR, VT and FF: what separates the parts of a request line, rightly (SP) or wrongly. */
export const LINE_SPACE = 32;
/** Letters, digits, `-`, `.` and `_`: the host names of HttpProtocolOptions Strict. */
export const HOST_NAME = 64;

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

const TCHAR_SYMBOLS = "!#$%&'*+-.^_`|~";

function classOf(byte: number): number {
  const char = String.fromCharCode(byte);
  const digit = /[0-9]/.test(char);
  const letter = /[A-Za-z]/.test(char);
  const visible = byte > SP && byte !== 0x7f;
  return (letter || digit || TCHAR_SYMBOLS.includes(char) ? TCHAR : 0) |
    (visible || byte === SP || byte === HTAB ? FIELD_VALUE : 0) |
    ("\0\n\v\f\r".includes(char) ? BREAKS_VALUE : 0) |
    (visible ? TARGET : 0) |
    (visible && char !== "#" ? PLAIN_TARGET : 0) |
    (" \t\r\v\f".includes(char) ? LINE_SPACE : 0) |
    (letter || digit || "-._".includes(char) ? HOST_NAME : 0);
}

/** The classes of each byte, or-ed together. */
export const CLASS: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));

/** The value of a hexadecimal digit, 255 for every other byte (RFC 9112 §7.1 `chunk-size`). */
export const HEX: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[0-9A-Fa-f]/.test(char) ? parseInt(char, 16) : 255;
});
