// Which field names does the server know by number, and how is a name in a request recognised as one of them?

/** Names by id. The first 32 are those a server looks at while it serves; their presence is one bit test. */
const NAMES = [
  ["Host", "host"],
  ["Connection", "connection"],
  ["ContentLength", "content-length"],
  ["TransferEncoding", "transfer-encoding"],
  ["Expect", "expect"],
  ["Upgrade", "upgrade"],
  ["IfMatch", "if-match"],
  ["IfNoneMatch", "if-none-match"],
  ["IfModifiedSince", "if-modified-since"],
  ["IfUnmodifiedSince", "if-unmodified-since"],
  ["IfRange", "if-range"],
  ["Range", "range"],
  ["Accept", "accept"],
  ["AcceptEncoding", "accept-encoding"],
  ["AcceptLanguage", "accept-language"],
  ["AcceptCharset", "accept-charset"],
  ["UserAgent", "user-agent"],
  ["Referer", "referer"],
  ["Cookie", "cookie"],
  ["Authorization", "authorization"],
  ["ContentType", "content-type"],
  ["ContentEncoding", "content-encoding"],
  ["Origin", "origin"],
  ["KeepAlive", "keep-alive"],
  ["Te", "te"],
  ["Trailer", "trailer"],
  ["XForwardedFor", "x-forwarded-for"],
  ["Forwarded", "forwarded"],
  ["Via", "via"],
  ["CacheControl", "cache-control"],
  ["Pragma", "pragma"],
  ["ProxyAuthorization", "proxy-authorization"],
  ["XForwardedProto", "x-forwarded-proto"],
  ["XForwardedHost", "x-forwarded-host"],
  ["XRealIp", "x-real-ip"],
  ["XRequestedWith", "x-requested-with"],
  ["MaxForwards", "max-forwards"],
  ["ProxyConnection", "proxy-connection"],
  ["UpgradeInsecureRequests", "upgrade-insecure-requests"],
  ["SecFetchSite", "sec-fetch-site"],
  ["SecFetchMode", "sec-fetch-mode"],
  ["SecFetchDest", "sec-fetch-dest"],
  ["SecFetchUser", "sec-fetch-user"],
  ["SecChUa", "sec-ch-ua"],
  ["SecChUaMobile", "sec-ch-ua-mobile"],
  ["SecChUaPlatform", "sec-ch-ua-platform"],
  ["SecWebSocketKey", "sec-websocket-key"],
  ["SecWebSocketVersion", "sec-websocket-version"],
  ["SecWebSocketProtocol", "sec-websocket-protocol"],
  ["SecWebSocketExtensions", "sec-websocket-extensions"],
  ["AccessControlRequestMethod", "access-control-request-method"],
  ["AccessControlRequestHeaders", "access-control-request-headers"],
  ["Priority", "priority"],
] as const;

type FieldKey = typeof NAMES[number][0];

/** The id of each known field, for `has` and `field`. */
export const Field = Object.fromEntries(NAMES.map(([key], id) => [key, id])) as Readonly<
  Record<FieldKey, number>
>;

/** How many ids there are. */
export const FIELD_COUNT = NAMES.length;

/** The id of names that are not in the table. */
export const UNKNOWN_FIELD = FIELD_COUNT;

const idByName = new Map<string, number>(NAMES.map(([, name], id) => [name, id]));

/** The id of a name in lower case, or `UNKNOWN_FIELD`. */
export function fieldIdOfName(name: string): number {
  return idByName.get(name) ?? UNKNOWN_FIELD;
}

// A name is found by its length and its first, middle and last byte, then compared. Or-ing a tchar with 0x20
// yields a lower-case letter for letters only and "-" for "-" only, so that comparing or-ed bytes is
// comparing names without regard to case.

const SLOTS = 1024;
const LONGEST = Math.max(...NAMES.map(([, name]) => name.length));

function slotOf(length: number, first: number, middle: number, last: number): number {
  return (length * 37 + (first | 0x20) * 5 + (middle | 0x20) * 83 + (last | 0x20) * 11) & (SLOTS - 1);
}

const slotIds = new Uint8Array(SLOTS).fill(UNKNOWN_FIELD);
const nameBytes = new Uint8Array(FIELD_COUNT * LONGEST);
const nameLengths = new Uint8Array(FIELD_COUNT + 1);

for (const [id, [, name]] of NAMES.entries()) {
  const bytes = new TextEncoder().encode(name);
  nameBytes.set(bytes, id * LONGEST);
  nameLengths[id] = bytes.length;
  let slot = slotOf(bytes.length, bytes[0], bytes[bytes.length >> 1], bytes[bytes.length - 1]);
  while (slotIds[slot] !== UNKNOWN_FIELD) slot = (slot + 1) & (SLOTS - 1);
  slotIds[slot] = id;
}

/** The id of the field name (a token, in any case) at [start, end) of `bytes`, or `UNKNOWN_FIELD`. */
export function fieldId(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let slot = slotOf(length, bytes[start], bytes[start + (length >> 1)], bytes[end - 1]);
  for (;;) {
    const id = slotIds[slot];
    if (id === UNKNOWN_FIELD) return id;
    if (nameLengths[id] === length) {
      const base = id * LONGEST;
      let i = 0;
      while (i < length && nameBytes[base + i] === (bytes[start + i] | 0x20)) i++;
      if (i === length) return id;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
}
