// Which path does a request name? The raw path of the request target becomes one that can be matched against sections
// and mapped to a file: decoded exactly once, without dot segments, never above the root (RFC 3986 §5.2.4, §6.2.2).
//
// Two orders matter and are httpd's: dot segments are resolved before an encoded slash can become a separator, and
// nothing decoded is ever decoded again. A malformed or forbidden escape is refused wherever it stands, also in a
// segment that a later `..` removes.

/** How AllowEncodedSlashes and MergeSlashes are set, and whose file names the path will become. */
export interface PathOptions {
  /** MergeSlashes: repeated slashes become one */
  readonly mergeSlashes: boolean;
  /** AllowEncodedSlashes: `%2F` is refused (off), a separator (on), or stays as it was sent (nodecode) */
  readonly allowEncodedSlashes: "off" | "on" | "nodecode";
  /** refuse what Windows would take for another name or a device */
  readonly windows: boolean;
}

/** A path that can be used. */
export interface NormalPath {
  /** begins with `/`; a directory asked for as such ends with one */
  readonly path: string;
  /**
   * The characters of `path` are bytes that are not UTF-8; false: they are text (the bytes were valid UTF-8). By this
   * flag the bytes of the request can be told from the path in both cases.
   */
  readonly latin1: boolean;
}

/** Why a path is refused. */
export interface PathError {
  readonly path: undefined;
  readonly status: 400 | 404;
  /** number of httpd's message, if it has one */
  readonly ah: "AH00026" | "AH10244" | undefined;
  readonly note: string;
}

function refusal(status: 400 | 404, ah: PathError["ah"], note: string): PathError {
  return Object.freeze({ path: undefined, status, ah, note });
}

const NOT_ABSOLUTE = refusal(400, "AH10244", "the path does not begin with a slash");
const ABOVE_ROOT = refusal(400, "AH10244", "the path leads above the root");
const BAD_ESCAPE = refusal(400, undefined, "the path has a percent sign without two hexadecimal digits");
const NOT_BYTES = refusal(400, undefined, "the path has characters that are not bytes");
const NUL = refusal(404, undefined, "the path has a NUL");
const ENCODED_SLASH = refusal(404, "AH00026", "the path has an encoded slash");
const NO_WINDOWS_NAME = refusal(404, undefined, "the path cannot be a file name on Windows");

// Windows: alternate streams and drives (:), its own separator, wildcards and controls; blanks and dots it would drop
// from the end of a name; devices, which exist in every directory and under every extension.
const WINDOWS_CHARACTER = /[":<>?*|\\\p{Cc}]/u;
const WINDOWS_DROPPED_END = /[. ](?:\/|$)/;
const WINDOWS_DEVICE =
  /\/(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.[^/]*)?(?:\/|$)/i;

function isNoWindowsName(path: string): boolean {
  return WINDOWS_CHARACTER.test(path) || WINDOWS_DROPPED_END.test(path) || WINDOWS_DEVICE.test(path);
}

const PERCENT = 0x25;
const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * The path named by `rawPath`, the path of a request target with one character for each byte. Empty is `/` (RFC 3986
 * §6.2.3). Refused with 400: no leading slash or above the root (AH10244), a bad escape; with 404: NUL, `%2F` where it
 * is off (AH00026), and with `windows` names that Windows reserves or rewrites (404 rather than 403: there is no such
 * file). A path that is clean already costs one scan.
 */
export function normalisePath(rawPath: string, options: PathOptions): NormalPath | PathError {
  if (rawPath === "") return { path: "/", latin1: false };
  if (rawPath.charCodeAt(0) !== SLASH) return NOT_ABSOLUTE;
  const result = isClean(rawPath) ? { path: rawPath, latin1: false } : decodeAndResolve(rawPath, options);
  return options.windows && result.path !== undefined && isNoWindowsName(result.path)
    ? NO_WINDOWS_NAME
    : result;
}

/** Neither an escape, nor an empty or dotted segment, nor anything but visible ASCII? */
function isClean(path: string): boolean {
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c === PERCENT || c < 0x20 || c > 0x7e) return false;
    if (previous === SLASH && (c === SLASH || c === DOT)) return false;
    previous = c;
  }
  return true;
}

function decodeAndResolve(rawPath: string, options: PathOptions): NormalPath | PathError {
  const reader = new SegmentDecoder(options.allowEncodedSlashes);
  let segments: string[] = [];
  for (let from = 1; from <= rawPath.length;) {
    const slash = rawPath.indexOf("/", from);
    const to = slash < 0 ? rawPath.length : slash;
    const segment = reader.decode(rawPath, from, to);
    if (segment === undefined) return reader.error;
    if (!resolve(segments, segment, slash < 0, options.mergeSlashes)) return ABOVE_ROOT;
    from = to + 1;
  }
  // Only now: an error of 400 anywhere comes before one of 404.
  if (reader.refused !== undefined) return reader.refused;
  if (reader.newSeparators) {
    const again = segments.join("/").split("/");
    segments = [];
    for (let i = 0; i < again.length; i++) {
      if (!resolve(segments, again[i], i === again.length - 1, options.mergeSlashes)) return ABOVE_ROOT;
    }
  }
  return asText("/" + segments.join("/"));
}

/** Adds a segment to those before it; false: it leads above the root. */
function resolve(segments: string[], segment: string, isLast: boolean, mergeSlashes: boolean): boolean {
  if (segment === "..") {
    if (segments.length === 0) return false;
    segments.pop();
  } else if (segment !== "." && (segment !== "" || !mergeSlashes)) {
    segments.push(segment);
    return true;
  }
  // What names a directory by a dot segment or a repeated slash ends with one slash.
  if (isLast) segments.push("");
  return true;
}

/** The value of a hexadecimal digit, or -1. */
function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Decodes the segments of one path and remembers what they held. */
class SegmentDecoder {
  /** Why decode() gave nothing. */
  error: PathError = BAD_ESCAPE;
  /** What makes the path be refused once all of it is read. */
  refused: PathError | undefined;
  /** An encoded slash became a separator. */
  newSeparators = false;

  constructor(readonly encodedSlashes: PathOptions["allowEncodedSlashes"]) {}

  /** The bytes of raw[from, to) with escapes decoded, one character a byte; undefined: see `error`. */
  decode(raw: string, from: number, to: number): string | undefined {
    let out = "";
    let plain = from;
    for (let i = from; i < to; i++) {
      let c = raw.charCodeAt(i);
      if (c > 0xff) {
        this.error = NOT_BYTES;
        return undefined;
      }
      if (c === PERCENT) {
        // No digit stands where the segment ends: neither the slash nor the NaN beyond the text is one.
        const high = hexDigit(raw.charCodeAt(i + 1));
        const low = hexDigit(raw.charCodeAt(i + 2));
        if (high < 0 || low < 0) {
          this.error = BAD_ESCAPE;
          return undefined;
        }
        c = high * 16 + low;
        if (c !== SLASH || !this.#keepsSlash()) {
          out += raw.slice(plain, i) + String.fromCharCode(c);
          plain = i + 3;
        }
        i += 2;
      }
      if (c === 0) this.refused = NUL;
    }
    return plain === from ? raw.slice(from, to) : out + raw.slice(plain, to);
  }

  /** Does the encoded slash that was just met stay encoded? */
  #keepsSlash(): boolean {
    if (this.encodedSlashes === "on") {
      this.newSeparators = true;
      return false;
    }
    if (this.encodedSlashes === "off") this.refused = ENCODED_SLASH;
    return true;
  }
}

// Never takes away a byte order mark: all it decodes begins with a slash.
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Bytes (one a character) as the file system will be asked for them. */
function asText(bytes: string): NormalPath {
  const array = new Uint8Array(bytes.length);
  let beyondAscii = 0;
  for (let i = 0; i < bytes.length; i++) beyondAscii |= array[i] = bytes.charCodeAt(i);
  if (beyondAscii < 0x80) return { path: bytes, latin1: false };
  // Bytes that are not UTF-8 become U+FFFD. Looking for it costs far less than catching what a fatal decoder throws.
  const text = decoder.decode(array);
  const latin1 = text.includes("\ufffd") && !encodesTo(text, array);
  return { path: latin1 ? bytes : text, latin1 };
}

/** Is `bytes` the UTF-8 of `text`, so that a U+FFFD in it was sent as such? */
function encodesTo(text: string, bytes: Uint8Array): boolean {
  const encoded = encoder.encode(text);
  return encoded.length === bytes.length && encoded.every((byte, i) => byte === bytes[i]);
}

/** The two parts of a request target. */
export interface SplitTarget {
  readonly path: string;
  /** after the first `?`; undefined: there is none */
  readonly query: string | undefined;
}

/** Splits a request target at its query; `pathStart` skips scheme and authority of the absolute form. */
export function splitTarget(target: string, pathStart = 0): SplitTarget {
  const mark = target.indexOf("?", pathStart);
  if (mark < 0) return { path: pathStart === 0 ? target : target.slice(pathStart), query: undefined };
  return { path: target.slice(pathStart, mark), query: target.slice(mark + 1) };
}
