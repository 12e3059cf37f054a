// Is docs/directives.md what the tables say?

import { assertEquals } from "@std/assert";
import { directiveReference, REFERENCE } from "./directive_reference.ts";

Deno.test("docs/directives.md lists the directives that there are", async () => {
  const text = (await Deno.readTextFile(REFERENCE)).replaceAll("\r\n", "\n");
  assertEquals(text, directiveReference(), "run: deno run -A modules/directive_reference.ts");
});
