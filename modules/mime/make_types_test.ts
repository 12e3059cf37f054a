// Are the built-in media types those of std?

import { assertEquals } from "@std/assert";
import { builtInTypesModule, MADE } from "./make_types.ts";
import { builtInType } from "./types.ts";

Deno.test("built-in types are std's", async () => {
  const text = (await Deno.readTextFile(MADE)).replaceAll("\r\n", "\n");
  assertEquals(text, builtInTypesModule(), "run: deno run -A modules/mime/make_types.ts");
  assertEquals(["js", "html", "mjs", "nothing"].map(builtInType), [
    "text/javascript",
    "text/html",
    "text/javascript",
    undefined,
  ]);
});
