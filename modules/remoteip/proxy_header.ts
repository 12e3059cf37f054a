// What does a header of the PROXY protocol say? Bytes in, an address out; versions 1 and 2 of HAProxy's specification
// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt), taken and refused as httpd does.

import { LONGEST_PROXY_HEADER, type ProxyHeader } from "../../mpm/mod.ts";
import { addressBytes } from "../../server/config/mod.ts";

const SIGNATURE = Uint8Array.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);
const FIRST_WORD = new TextEncoder().encode("PROXY ");
/** So much tells the version; of version 2 with its length. */
const SHORTEST = 15;
const V2_HEAD = 16;
/** Bytes of a line of version 1, its end included. */
const LONGEST_LINE = 107;

const decoder = new TextDecoder("latin1");

const refused = (ah: string, message: string): ProxyHeader => ({
  kind: "refused",
  ah,
  message: `RemoteIPProxyProtocol${message}`,
});

/** Looks at the first `length` of `bytes`, which begin a connection. */
export function readProxyHeader(bytes: Uint8Array, length: number): ProxyHeader {
  // What is none is not waited for.
  if (begins(bytes, length, FIRST_WORD)) {
    return length < SHORTEST ? { kind: "partial", needed: SHORTEST } : readLine(bytes, length);
  }
  if (!begins(bytes, length, SIGNATURE)) return { kind: "refused" };
  if (length < V2_HEAD) return { kind: "partial", needed: V2_HEAD };
  return (bytes[12] & 0xf0) === 0x20 ? readBinary(bytes, length) : { kind: "refused" };
}

function begins(bytes: Uint8Array, length: number, start: Uint8Array): boolean {
  const known = Math.min(length, start.length);
  for (let at = 0; at < known; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

/** Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 35646 80` CRLF. */
function readLine(bytes: Uint8Array, length: number): ProxyHeader {
  const text = decoder.decode(bytes.subarray(0, Math.min(length, LONGEST_LINE)));
  const end = text.indexOf("\r\n");
  if (end < 0) {
    return length < LONGEST_LINE
      ? { kind: "partial", needed: length + 1 }
      : refused("AH10185", ` header too long, got ${length} expected ${LONGEST_LINE}`);
  }
  const line = text.slice(0, end);
  const [, family, address, destination, port] = line.split(" ").filter((word) => word !== "");
  const missing = (field: string) => refused("AH03497", `: no ${field} found in header '${line}'`);
  if (family === undefined) return missing("family");
  if (family === "UNKNOWN") return { kind: "header", length: end + 2 };
  if (family !== "TCP4" && family !== "TCP6") {
    return refused("AH03499", `: unknown family '${family}' in header '${line}'`);
  }
  if (address === undefined) return missing("client-address");
  if (!(family === "TCP4" ? /^[\d.]+$/ : /^[\da-f:]+$/i).test(address)) {
    return refused("AH03500", `: invalid client-address '${address}' found in header '${line}'`);
  }
  if (destination === undefined) return missing("destination-address");
  if (port === undefined) return missing("client-port");
  if (!/^\d/.test(port)) return refused("AH03501", `: error parsing port '${port}' in header '${line}'`);
  const found = addressBytes(address);
  const number = parseInt(port) & 0xffff;
  if (found === undefined) {
    return refused(
      "AH03502",
      `: error converting family '${family}', host '${address}', and port '${number}' to sockaddr; ` +
        `header was '${line}'`,
    );
  }
  return {
    kind: "header",
    length: end + 2,
    client: { family: found.length === 4 ? 4 : 6, port: number, bytes: found },
  };
}

const hex = (byte: number): string => byte.toString(16).padStart(2, "0");

/** Version 2: signature, version and command, family, length, addresses, and what else may be (TLVs, which are not looked at). */
function readBinary(bytes: Uint8Array, length: number): ProxyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const size = view.getUint16(14);
  const whole = V2_HEAD + size;
  if (whole > LONGEST_PROXY_HEADER) return refused("AH10186", " protocol header length too long");
  if (length < whole) return { kind: "partial", needed: whole };
  const command = bytes[12] & 0xf;
  // LOCAL: the proxy asks for itself.
  if (command === 0) return { kind: "header", length: whole };
  if (command !== 1) return refused("AH03507", `: unsupported command ${hex(bytes[12])}`);
  const kind = bytes[13];
  if (kind !== 0x11 && kind !== 0x21) return refused("AH10183", `: unsupported protocol ${hex(kind)}`);
  const [family, title, width] = kind === 0x11 ? [4, "TCPv4", 4] as const : [6, "TCPv6", 16] as const;
  if (size < 2 * width + 4) return refused("AH10597", `: address length ${size} too short for ${title}`);
  return {
    kind: "header",
    length: whole,
    client: {
      family,
      port: view.getUint16(V2_HEAD + 2 * width),
      bytes: bytes.slice(V2_HEAD, V2_HEAD + width),
    },
  };
}
