// Which methods are known, and how does a method in a request become a string without an allocation?

import { latin1Interned } from "./text.ts";

/**
 * What httpd knows by default (core and WebDAV with versioning); names are case-sensitive (RFC 9110 §9.1).
 */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  ..."GET HEAD PUT POST DELETE CONNECT OPTIONS TRACE PATCH".split(" "),
  ..."PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK".split(" "),
  ..."VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY BASELINE-CONTROL MERGE"
    .split(" "),
]);

/** The method at [start, end) of `bytes`; the usual ones are told apart by length and first byte. */
export function methodName(bytes: Uint8Array, start: number, end: number): string {
  switch (end - start) {
    case 3:
      if (bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return "GET";
      break;
    case 4:
      if (
        bytes[start] === 0x50 && bytes[start + 1] === 0x4f && bytes[start + 2] === 0x53 &&
        bytes[start + 3] === 0x54
      ) {
        return "POST";
      }
      break;
  }
  return latin1Interned(bytes, start, end);
}
