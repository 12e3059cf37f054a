// Do the properties of the parser hold for some hundred inputs each? `deno task fuzz` tries more.

import { assertEquals } from "@std/assert";
import { PROPERTIES } from "./properties.ts";

for (const [name, check] of Object.entries(PROPERTIES)) {
  Deno.test(`property: ${name}`, () => assertEquals(check({ numRuns: 400 }), undefined));
}
