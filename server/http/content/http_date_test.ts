// Are dates written as IMF-fixdate, and read in the three formats of RFC 9110 §5.6.7 and no other?

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { currentHttpDate, formatHttpDate, parseHttpDate } from "./http_date.ts";

const EXAMPLE = 784_111_777; // of RFC 9110 §5.6.7
const NOW = Date.UTC(2026, 0, 1) / 1000;

Deno.test("date: the example of RFC 9110 is written as IMF-fixdate and read in all three formats", () => {
  assertStrictEquals(formatHttpDate(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
  assertStrictEquals(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), EXAMPLE);
  assertStrictEquals(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", NOW), EXAMPLE);
  assertStrictEquals(parseHttpDate("Sun Nov  6 08:49:37 1994"), EXAMPLE);
});

Deno.test("date: valid dates", () => {
  const rows: [text: string, iso: string][] = [
    ["Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"],
    ["Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z"],
    ["Tue, 29 Feb 2000 12:00:00 GMT", "2000-02-29T12:00:00Z"],
    ["Thu, 29 Feb 2024 12:00:00 GMT", "2024-02-29T12:00:00Z"],
    ["Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"],
    ["Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z"], // leap second
    ["Mon, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"], // the day of the week is not compared
    ["Sat Nov 26 08:49:37 1994", "1994-11-26T08:49:37Z"],
    ["Wed Nov 06 08:49:37 2024", "2024-11-06T08:49:37Z"],
  ];
  for (const [text, iso] of rows) assertStrictEquals(parseHttpDate(text, NOW), Date.parse(iso) / 1000, text);
});

Deno.test("date: anything else is no date", () => {
  const rows = [
    "",
    "0",
    "784111777",
    "1994-11-06T08:49:37Z",
    "sun, 06 nov 1994 08:49:37 gmt",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun,  6 Nov 1994 08:49:37 GMT",
    "Sun 06 Nov 1994 08:49:37  GMT",
    "Sux, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nox 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Wed, 29 Feb 2023 08:49:37 GMT",
    "Thu, 29 Feb 1900 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 08-49-37 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT ",
    "Sun, 06 Nov 199a 08:49:37 GMT",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT; length=3",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sunday, 06 Nov 94 08:49:37 GMT",
    "Sunday, 06-Nov-94T08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 UTC",
    "Sun Nov  6T08:49:37 1994",
    "Sun Nov  6 08:49:37-1994",
    "Sunday, 31-Jun-94 08:49:37 GMT",
    "Sunday, 06-Nov-9a 08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov  0 08:49:37 1994",
    "Sun Nov 31 08:49:37 1994",
    "Sun Nov  6 08:49:37 94",
    "Sun Nov  6 08:49:37 1994 ",
  ];
  for (const text of rows) assertStrictEquals(parseHttpDate(text, NOW), undefined, text);
});

Deno.test("date: a two-digit year is the latest that is not more than 50 years ahead", () => {
  const rows: [text: string, now: string, iso: string][] = [
    ["Saturday, 01-Feb-75 00:00:00 GMT", "2026-01-01", "2075-02-01"],
    ["Saturday, 01-Jan-76 00:00:00 GMT", "2026-01-01", "2076-01-01"],
    ["Saturday, 02-Feb-76 00:00:00 GMT", "2026-01-01", "1976-02-02"],
    ["Saturday, 01-Feb-77 00:00:00 GMT", "2026-01-01", "1977-02-01"],
    ["Saturday, 01-Feb-05 00:00:00 GMT", "2080-01-01", "2105-02-01"],
    ["Tuesday, 29-Feb-00 00:00:00 GMT", "2026-01-01", "2000-02-29"],
  ];
  for (const [text, now, iso] of rows) {
    assertStrictEquals(
      parseHttpDate(text, Date.parse(now) / 1000),
      Date.parse(iso) / 1000,
      `${text} read in ${now}`,
    );
  }
});

Deno.test("date: years the format cannot write are a RangeError", () => {
  assertStrictEquals(formatHttpDate(-62_167_219_200), "Sat, 01 Jan 0000 00:00:00 GMT");
  for (const seconds of [-62_167_219_201, 253_402_300_800, NaN, Infinity]) {
    assertThrows(() => formatHttpDate(seconds), RangeError);
  }
});

Deno.test("date: a fraction of a second is cut off, also before 1970", () => {
  assertStrictEquals(formatHttpDate(EXAMPLE + 0.999), formatHttpDate(EXAMPLE));
  assertStrictEquals(formatHttpDate(-0.5), "Wed, 31 Dec 1969 23:59:59 GMT");
});

Deno.test("date: the current date follows its seconds and is not disturbed by other dates", () => {
  assertStrictEquals(currentHttpDate(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
  formatHttpDate(0);
  assertStrictEquals(currentHttpDate(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
  assertStrictEquals(currentHttpDate(EXAMPLE + 1), "Sun, 06 Nov 1994 08:49:38 GMT");
});

const second = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 });

Deno.test("date: written as the clock of the platform writes it, and read back, for every second of 0 to 9999", () => {
  fc.assert(fc.property(second, (seconds) => {
    const text = formatHttpDate(seconds);
    assertStrictEquals(text, new Date(seconds * 1000).toUTCString());
    assertStrictEquals(parseHttpDate(text), seconds);
  }));
});

Deno.test("date: asctime and RFC 850 forms of the last 50 years read back", () => {
  const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  fc.assert(fc.property(fc.integer({ min: NOW - 49 * 31_557_600, max: NOW }), (seconds) => {
    const [weekday, day, month, year, time] = formatHttpDate(seconds).replace(",", "").split(" ");
    const asctime = `${weekday} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`;
    assertEquals(parseHttpDate(asctime), seconds, asctime);
    const long = days[new Date(seconds * 1000).getUTCDay()];
    const rfc850 = `${long}, ${day}-${month}-${year.slice(2)} ${time} GMT`;
    assertEquals(parseHttpDate(rfc850, NOW), seconds, rfc850);
  }));
});
