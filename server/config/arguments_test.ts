// Do the kinds of arguments accept what httpd accepts, and name what they wanted?

import { assertEquals, assertThrows } from "@std/assert";
import { bytes, flag, integer, oneOf, timeInterval } from "./arguments.ts";
import { ArgumentError } from "./errors.ts";

Deno.test("arguments: what is accepted", () => {
  assertEquals(["On", "off"].map(flag), [true, false]);
  assertEquals(["0", "-3", "+7"].map((arg) => integer(arg, { name: "X" })), [0, -3, 7]);
  assertEquals(integer("5", { name: "X", min: 5, max: 5 }), 5);
  assertEquals(
    ["5", "5s", "500ms", "2mi", "2MIN", "1h", "0"].map((arg) => timeInterval(arg, "s")),
    [5000, 5000, 500, 120_000, 120_000, 3_600_000, 0],
  );
  assertEquals(timeInterval("5", "ms"), 5);
  assertEquals(oneOf("nodecode", ["Off", "NoDecode"]), "NoDecode");
  assertEquals(["1", "2k", "3M", "1G"].map(bytes), [1, 2048, 3_145_728, 1_073_741_824]);
});

Deno.test("arguments: what is refused says what was expected", () => {
  const rows: [action: () => unknown, reason: string][] = [
    [() => flag("yes"), "must be On or Off"],
    [() => integer("x", { name: "X" }), 'X must be a whole number, not "x"'],
    [() => integer("1.5", { name: "X" }), "whole number"],
    [() => integer("", { name: "X" }), "whole number"],
    [() => integer("0", { name: "X", min: 1 }), "of 1 or more"],
    [() => integer("9", { name: "X", min: 1, max: 8 }), "from 1 to 8"],
    [() => integer("9", { name: "X", max: 8 }), "up to 8"],
    [() => timeInterval("5x", "s"), "length of time"],
    [() => timeInterval("-5", "s"), "length of time"],
    [() => timeInterval("999999999999999h", "s"), "length of time"],
    [() => oneOf("c", ["A", "B"]), 'must be one of A, B, not "c"'],
    [() => bytes("1T"), "number of bytes"],
    [() => bytes("999999999999999G"), "number of bytes"],
  ];
  for (const [action, reason] of rows) assertThrows(action, ArgumentError, reason);
});
