// Does strftime give what strftime(3) gives in the C locale?

import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { CLF_TIME, strftime, timeFormat } from "./strftime.ts";

const TIME = new Date(2027, 0, 3, 15, 4, 5).getTime();

Deno.test("strftime: conversions of a Sunday afternoon in January", () => {
  const expected: Record<string, string> = {
    "%a %A %b %h %B": "Sun Sunday Jan Jan January",
    "%c": "Sun Jan  3 15:04:05 2027",
    "%C %y %Y": "20 27 2027",
    "%d %e %j": "03  3 003",
    "%D %F %x": "01/03/27 2027-01-03 01/03/27",
    "%H %I %k %l %M %S %p %P": "15 03 15  3 04 05 PM pm",
    "%r %R %T %X": "03:04:05 PM 15:04 15:04:05 15:04:05",
    "%u %w": "7 0",
    "%U %W": "01 00",
    // ISO 8601: still the last week of the year before.
    "%G %g %V": "2026 26 53",
    "%s": String(TIME / 1000),
    "a%%b%nc%td": "a%b\nc\td",
    "%%F %E %": "%F %E %",
  };
  for (const [format, text] of Object.entries(expected)) assertEquals(strftime(format, TIME), text, format);
  assertMatch(strftime("%z %Z", TIME), /^[+-]\d{4} \S+$/);
});

Deno.test("strftime: midnight and noon are twelve o'clock", () => {
  assertEquals(strftime("%I %p", new Date(2026, 5, 1, 0).getTime()), "12 AM");
  assertEquals(strftime("%I %p", new Date(2026, 5, 1, 12).getTime()), "12 PM");
});

Deno.test("time format: a text that is kept for a second is the one of that second", () => {
  const format = timeFormat(CLF_TIME);
  fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
    assertEquals(format(ms), strftime(CLF_TIME, ms));
  }));
});
