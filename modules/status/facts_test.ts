import { assertEquals } from "@std/assert";
import { short, uptimeText } from "./facts.ts";

Deno.test("status: figures as printf's %g writes them", () => {
  for (
    const [value, text] of [
      [0, "0"],
      [1, "1"],
      [0.1, "0.1"],
      [1 / 3, "0.333333"],
      [123456, "123456"],
      [1234567, "1.23457e+06"],
      [999999.6, "1e+06"],
      [0.0001, "0.0001"],
      [0.00001234, "1.234e-05"],
      [1e100, "1e+100"],
      [12.5, "12.5"],
    ] as const
  ) assertEquals(short(value), text);
});

Deno.test("status: the time since the start, without parts that are zero", () => {
  assertEquals(uptimeText(0), "");
  assertEquals(uptimeText(61), " 1 minute 1 second");
  assertEquals(uptimeText(2 * 86400 + 3600 + 2), " 2 days 1 hour 2 seconds");
});
