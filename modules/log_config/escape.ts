// How may text of a client stand in a log? Quotes, backslashes and everything that is not printable ASCII is escaped
// (http-core.md 13), so that neither a line nor a quoted item can be ended from outside.

const SHORT: ReadonlyMap<number, string> = new Map([
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0d, "\\r"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, "0")}`;
const encoder = new TextEncoder();

function isPlain(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
}

/** Escapes `text`, a character a byte; characters that are no byte are escaped as their UTF-8. */
export function escapeItem(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (!isPlain(text.charCodeAt(i))) return escapeFrom(text, i);
  }
  return text;
}

/** Up to `from`, everything is plain. */
function escapeFrom(text: string, from: number): string {
  let escaped = text.slice(0, from);
  for (const char of text.slice(from)) {
    const code = char.codePointAt(0)!;
    if (isPlain(code)) escaped += char;
    else if (code < 0x100) escaped += SHORT.get(code) ?? hex(code);
    else escaped += Array.from(encoder.encode(char), hex).join("");
  }
  return escaped;
}
