// Which values of Accept-Encoding take a coding?

import { assertEquals } from "@std/assert";
import { acceptsCoding } from "./accept_encoding.ts";

Deno.test("Accept-Encoding: a coding is taken where it is named, and its weight is not 0", () => {
  const taken = [
    "gzip",
    "GZip",
    "br, gzip",
    "br;q=1, gzip;q=0.001",
    " gzip ; q=1.0",
    "deflate,gzip",
    ",,gzip,",
  ];
  const refused = [
    "",
    "br",
    "*",
    "x-gzip",
    "gzip;q=0",
    "gzip; q=0.000",
    "gzip ;Q=0",
    "gzipx",
    "identity;q=0",
  ];
  assertEquals(taken.filter((value) => !acceptsCoding(value, "gzip")), []);
  assertEquals(refused.filter((value) => acceptsCoding(value, "gzip")), []);
  assertEquals(acceptsCoding(undefined, "gzip"), false);
});
