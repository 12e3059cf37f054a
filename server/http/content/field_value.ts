// Is this text safe to put into a response head, or into an HTML document? Nothing here repairs a field: what could
// split or forge a response is refused, and the caller answers 500 (AH02428 to AH02430).

/** tchar of RFC 9110 §5.6.2, indexed by character code. */
const TOKEN = new Uint8Array(128);
for (const c of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN[c.charCodeAt(0)] = 1;
}

/** Is `name` a field name: a non-empty token (RFC 9110 §5.1)? */
export function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c > 127 || TOKEN[c] === 0) return false;
  }
  return name.length > 0;
}

/**
 * Can `value` stand as a field value (RFC 9110 §5.5)? Tab, blank, visible ASCII and the bytes 80 to FF can; CR, LF, NUL,
 * DEL and the other controls cannot. Heads are written as one byte a character, so a character above U+00FF is refused
 * too: cut to a byte, U+010A would be a line feed.
 */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 ? c !== 0x09 : c === 0x7f || c > 0xff) return false;
  }
  return true;
}

function htmlEntity(c: number): string {
  switch (c) {
    case 0x22:
      return "&quot;";
    case 0x26:
      return "&amp;";
    case 0x27:
      return "&#39;";
    case 0x3c:
      return "&lt;";
    case 0x3e:
      return "&gt;";
    default:
      return "";
  }
}

/** `text` with `& < > " '` as entities: safe as HTML text and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  let out = "";
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const entity = htmlEntity(text.charCodeAt(i));
    if (entity === "") continue;
    out += text.slice(from, i) + entity;
    from = i + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}

/**
 * As escapeHtml, and all beyond ASCII as numeric references (a lone surrogate as U+FFFD): one byte a character, and the
 * same text whatever charset the reader assumes.
 */
export function escapeHtmlAscii(text: string): string {
  const escaped = escapeHtml(text);
  let out = "";
  let from = 0;
  for (let i = 0; i < escaped.length; i++) {
    if (escaped.charCodeAt(i) < 0x80) continue;
    const point = escaped.codePointAt(i) as number; // i is inside the string
    out += escaped.slice(from, i) + `&#${point >= 0xd800 && point <= 0xdfff ? 0xfffd : point};`;
    if (point > 0xffff) i++;
    from = i + 1;
  }
  return from === 0 ? escaped : out + escaped.slice(from);
}
