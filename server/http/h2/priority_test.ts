// Is a priority read as RFC 9218 says, and what is none as if nothing had been said?

import { assertEquals } from "@std/assert";
import { parsePriority } from "./priority.ts";

Deno.test("priority: urgency and incremental, in any order; what is not understood says nothing", () => {
  const cases: [string, number, boolean][] = [
    ["", 3, false],
    ["u=0", 0, false],
    ["i", 3, true],
    ["u=5, i", 5, true],
    ["i=?0,u=7", 7, false],
    ["i=?1", 3, true],
    ["u=8", 3, false],
    ["u=x, i=maybe", 3, false],
    ["u=1;foo=bar, x=9", 1, false],
    [",,;=", 3, false],
  ];
  for (const [value, urgency, incremental] of cases) {
    assertEquals([value, parsePriority(value)], [value, { urgency, incremental }]);
  }
});
