import { assertEquals } from "@std/assert";
import { chooseFormat } from "./negotiation.ts";

const OPEN = "application/openmetrics-text";

Deno.test("metrics: OpenMetrics only for those who ask for it, and want it no less than text", () => {
  for (
    const [accept, format] of [
      [undefined, "text/plain"],
      ["", "text/plain"],
      ["*/*", "text/plain"],
      ["application/*", "text/plain"],
      [OPEN, OPEN],
      [`${OPEN};version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`, OPEN],
      [`text/plain;q=0.9, ${OPEN.toUpperCase()};Version="1.0.0";Q=0.9`, OPEN],
      [`text/plain, ${OPEN};q=0.9`, "text/plain"],
      // The more specific range holds for text, whatever the wider one says.
      [`*/*, text/plain;q=0.1, ${OPEN};q=0.2`, OPEN],
      [`${OPEN};q=0`, "text/plain"],
      [`${OPEN};version=0.0.1`, "text/plain"],
      [`${OPEN};q=2, text/*;q=0.1`, "text/plain"],
      [`${OPEN};q=x`, "text/plain"],
      [",;,=", "text/plain"],
    ] as const
  ) assertEquals(chooseFormat(accept), format, accept);
});
