// Which entity tag does a file have (FileETag), and does a list of tags in a request name it (RFC 9110 §8.8.3, §13.1)?

/** Components of FileETag, to be combined by `|`; 0 is None. */
export const ETagPart = { INode: 1, MTime: 2, Size: 4, Digest: 8 } as const;
/** FileETag MTime Size, the default. */
export const ETAG_DEFAULT: number = ETagPart.MTime | ETagPart.Size;
/** FileETag All. */
export const ETAG_ALL: number = ETagPart.INode | ETagPart.MTime | ETagPart.Size;

/** What a tag is made of. */
export interface ETagSource {
  /** null where the file system has none */
  readonly inode: number | bigint | null;
  /** bytes */
  readonly size: number;
  /** time of modification, microseconds since the epoch */
  readonly mtimeMicros: number;
  /** SHA-1 of the content in base64, for FileETag Digest */
  readonly digest?: string;
}

const SECOND = 1_000_000;

/**
 * The entity tag with its quotes: the parts of `form` in hex, as `"<inode>-<size>-<mtime>"`. Digest stands alone,
 * whatever else is asked for. Weak (`W/`) if the request (`requestMicros`, microseconds since the epoch) came less than
 * a second after the modification, since the file could change again within the same tick of its clock. Undefined for
 * None, or if nothing asked for is known.
 */
export function fileETag(file: ETagSource, form: number, requestMicros: number): string | undefined {
  const opaque = (form & ETagPart.Digest) !== 0 ? file.digest : hexParts(file, form);
  if (opaque === undefined || opaque === "") return undefined;
  return requestMicros - file.mtimeMicros < SECOND ? `W/"${opaque}"` : `"${opaque}"`;
}

function hexParts(file: ETagSource, form: number): string {
  let text = "";
  if ((form & ETagPart.INode) !== 0 && file.inode !== null) text = file.inode.toString(16);
  if ((form & ETagPart.Size) !== 0) text += (text === "" ? "" : "-") + file.size.toString(16);
  if ((form & ETagPart.MTime) !== 0) text += (text === "" ? "" : "-") + file.mtimeMicros.toString(16);
  return text;
}

/** Do two tags name the same representation? Strong: neither is weak; weak: prefixes do not count (§8.8.3.2). */
export function sameETag(a: string, b: string, strong: boolean): boolean {
  if (strong) return a === b && !a.startsWith("W/");
  return (a.startsWith("W/") ? a.slice(2) : a) === (b.startsWith("W/") ? b.slice(2) : b);
}

/**
 * Does an If-Match or If-None-Match value (not `*`) contain `etag`? Tolerant as httpd: empty elements are skipped, and
 * so is an element that is no entity tag (no quotes, text after the closing quote). One pass.
 */
export function listHasETag(list: string, etag: string, strong: boolean): boolean {
  const weakOwn = etag.startsWith("W/");
  if (strong && weakOwn) return false;
  const opaque = weakOwn ? etag.slice(2) : etag;
  let i = 0;
  while (i < list.length) {
    const c = list.charCodeAt(i);
    if (c === 0x2c || c === 0x20 || c === 0x09) {
      i++;
      continue;
    }
    const weak = list.startsWith("W/", i);
    const open = weak ? i + 2 : i;
    if (list[open] === '"') {
      const close = list.indexOf('"', open + 1);
      if (close < 0) return false;
      i = close + 1;
      while (list[i] === " " || list[i] === "\t") i++;
      if (i >= list.length || list[i] === ",") {
        // `opaque` ends with its only other quote, so it cannot be the beginning of a longer tag.
        if (!(strong && weak) && list.startsWith(opaque, open)) return true;
        continue;
      }
    }
    i = list.indexOf(",", i);
    if (i < 0) return false;
  }
  return false;
}
