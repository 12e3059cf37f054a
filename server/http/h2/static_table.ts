// Which fields does every HPACK table begin with? RFC 7541, appendix A.

/** Names and values by index, from 1 on. */
export const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** The number of fields in it; the dynamic table goes on behind. */
export const STATIC_COUNT = STATIC_FIELDS.length;

/** All of it in one piece: offsets of names and values by index. */
export const staticBytes = new Uint8Array(
  STATIC_FIELDS.reduce((sum, [n, v]) => sum + n.length + v.length, 0),
);
export const staticStarts: number[] = [0];
export const staticNameLengths: number[] = [0];
export const staticValueLengths: number[] = [0];
/** The first index of each name. */
export const staticNames: Map<string, number> = new Map();

let end = 0;
for (const [position, [name, value]] of STATIC_FIELDS.entries()) {
  staticStarts.push(end);
  staticNameLengths.push(name.length);
  staticValueLengths.push(value.length);
  for (const char of name + value) staticBytes[end++] = char.charCodeAt(0);
  if (!staticNames.has(name)) staticNames.set(name, position + 1);
}
