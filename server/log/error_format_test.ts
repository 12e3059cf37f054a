// Has a line of the error log httpd's layout?

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ArgumentError } from "../config/mod.ts";
import {
  compileErrorFormat,
  defaultErrorFormat,
  type ErrorEntry,
  type LogSubject,
  untimedErrorFormat,
} from "./error_format.ts";

const ENTRY: ErrorEntry = {
  time: new Date(2026, 10, 3, 4, 5, 6, 789).getTime() + 0.125,
  level: "error",
  module: "core",
  message: "something failed",
  pid: 12,
  tid: 34,
};
/** Somebody who asks, with `fields` and what else is said. */
function subject(fields: Readonly<Record<string, string>> = {}, over: Partial<LogSubject> = {}): LogSubject {
  return {
    client: "192.0.2.1:5555",
    peer: "192.0.2.9:4444",
    local: "198.51.100.2:80",
    keepAlives: 3,
    requestId: "request0001",
    connectionId: "connection1",
    serverName: "example.org",
    requestedName: "www.example.org",
    env: (name) => name === "VAR" ? "v" : undefined,
    note: (name) => name === "n" ? "note" : undefined,
    requestHeader: (name) => fields[name],
    ...over,
  };
}

const errorLine = (entry: ErrorEntry): string => defaultErrorFormat(entry) ?? "";
const HEAD = "[Tue Nov 03 04:05:06.789125 2026] [core:error] [pid 12:tid 34] ";

Deno.test("error line: local time with microseconds, module and level, process and thread, message", () => {
  assertEquals(errorLine(ENTRY), `${HEAD}something failed`);
});

Deno.test("error line: an MPM without threads shows no tid", () => {
  assertEquals(
    errorLine({ ...ENTRY, tid: undefined }),
    "[Tue Nov 03 04:05:06.789125 2026] [core:error] [pid 12] something failed",
  );
});

Deno.test("error line: operating system error, client, number, message, referer, in this order", () => {
  assertEquals(
    errorLine({
      ...ENTRY,
      errno: { code: 98, text: "Address already in use" },
      about: subject({ referer: "http://example.org/" }),
      ah: "AH00072",
    }),
    `${HEAD}(98)Address already in use: [client 192.0.2.1:5555] AH00072: something failed, referer: http://example.org/`,
  );
});

Deno.test("error line: the place in the source is shown from level debug on", () => {
  const placed = { ...ENTRY, file: "event.ts", line: 7 };
  assertEquals(errorLine(placed), `${HEAD}something failed`);
  assertEquals(
    errorLine({ ...placed, level: "debug" }),
    `${HEAD.replace("error", "debug")}event.ts(7): something failed`,
  );
});

Deno.test("error line: control characters and backslashes are escaped, other characters are not", () => {
  assertEquals(
    errorLine({ ...ENTRY, message: 'a\nb\tc\\d\x00\x7f\x85"é€😀' }),
    `${HEAD}a\\nb\\tc\\\\d\\x00\\x7f\\xc2\\x85"é€😀`,
  );
});

Deno.test("error line: nothing from outside can begin a new line", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (message, other) => {
    const line = errorLine({
      ...ENTRY,
      message,
      about: subject({ referer: other }, { client: other }),
      errno: { code: 1, text: other },
    });
    // deno-lint-ignore no-control-regex -- no control character may be left
    assert(!/[\x00-\x1f\x7f-\x9f]/.test(line));
  }));
});

Deno.test("ErrorLogFormat: every item", () => {
  const entry: ErrorEntry = {
    ...ENTRY,
    ah: "AH00001",
    errno: { code: 2, text: "gone" },
    file: "a.ts",
    line: 9,
    about: subject({ "x-one": "1" }),
  };
  const expected: Record<string, string> = {
    "%%": "%",
    "%a": "192.0.2.1:5555",
    "%{c}a": "192.0.2.9:4444",
    "%A": "198.51.100.2:80",
    "%{VAR}e": "v",
    "%E": "(2)gone",
    "%F": "a.ts(9)",
    "%{X-One}i": "1",
    "%k": "3",
    "%l": "error",
    "%L": "request0001",
    "%{c}L": "connection1",
    "%{C}L": "connection1",
    "%m": "core",
    "%M": "AH00001: something failed",
    "%{n}n": "note",
    "%P": "12",
    "%T": "34",
    "%{g}T": "34",
    "%t": "Tue Nov 03 04:05:06 2026",
    "%{u}t": "Tue Nov 03 04:05:06.789125 2026",
    "%{c}t": "2026-11-03 04:05:06",
    "%{cu}t": "2026-11-03 04:05:06.789125",
    "%{%H:%M}t": "04:05",
    "%v": "example.org",
    "%V": "www.example.org",
  };
  for (const [format, text] of Object.entries(expected)) {
    assertEquals(compileErrorFormat(format)(entry), text, format);
  }
  assertMatch(compileErrorFormat("%{cuz}t")(entry) ?? "", /^2026-11-03 04:05:06\.789125 [+-]\d{4}$/);
});

Deno.test("ErrorLogFormat: a field without a value is left out, from its blank on", () => {
  const format = compileErrorFormat("%l [client\\ %a] (%{x}i) %M% ,\\ from\\ %{Referer}i");
  assertEquals(format(ENTRY), "error something failed");
  assertEquals(
    format({ ...ENTRY, about: subject({ referer: "r" }) }),
    "error [client 192.0.2.1:5555] something failed, from r",
  );
});

Deno.test("ErrorLogFormat: a hyphen for what is not there, no line without what must be there, levels", () => {
  assertEquals(compileErrorFormat("[%-a] %M")(ENTRY), "[-] something failed");
  assertEquals(compileErrorFormat("%+{x}i %M")({ ...ENTRY, about: subject() }), undefined);
  const placed = compileErrorFormat("%7F %M");
  assertEquals(placed({ ...ENTRY, file: "a.ts" }), " something failed");
  assertEquals(placed({ ...ENTRY, file: "a.ts", level: "trace1" }), "a.ts(0) something failed");
});

Deno.test("ErrorLogFormat: what is not known is an error of the configuration", () => {
  for (const bad of ["%Z", "%", "a %", "%{x", "%i", "%{}e", "%n", "%16M"]) {
    assertThrows(() => compileErrorFormat(bad), ArgumentError);
  }
});

Deno.test("error line: a receiver that notes the time itself gets the rest", () => {
  assertEquals(untimedErrorFormat(ENTRY), "[core:error] [pid 12:tid 34] something failed");
  assertEquals(untimedErrorFormat({ ...ENTRY, tid: undefined }), "[core:error] [pid 12] something failed");
});
