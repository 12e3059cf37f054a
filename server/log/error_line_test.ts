// Has a line of the error log httpd's layout?

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ErrorEntry, errorLine } from "./error_line.ts";

const ENTRY: ErrorEntry = {
  time: new Date(2026, 10, 3, 4, 5, 6, 789).getTime() + 0.125,
  level: "error",
  module: "core",
  message: "something failed",
  pid: 12,
  tid: 34,
};
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
      client: "192.0.2.1:5555",
      ah: "AH00072",
      referer: "http://example.org/",
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

Deno.test("error line: a message of the start stands alone", () => {
  assertEquals(errorLine({ ...ENTRY, startup: true, ah: "AH00558" }), "AH00558: something failed");
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
      referer: other,
      client: other,
      errno: { code: 1, text: other },
    });
    // deno-lint-ignore no-control-regex -- no control character may be left
    assert(!/[\x00-\x1f\x7f-\x9f]/.test(line));
  }));
});
