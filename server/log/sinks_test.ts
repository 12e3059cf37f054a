// Do all bytes of a line arrive, whatever the system takes at a time?

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppendFile, writeAll } from "./sinks.ts";

Deno.test("writeAll: partial writes are continued until everything is written", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 50 }), fc.integer({ min: 1, max: 60 }), (bytes, most) => {
    const written: number[] = [];
    writeAll((part) => written.push(...part.subarray(0, most)) && Math.min(most, part.length), bytes);
    assertEquals(written, [...bytes]);
  }));
});

Deno.test("writeAll: a system that takes nothing is an error, not an endless loop", () => {
  assertThrows(() => writeAll(() => 0, new Uint8Array(3)), Deno.errors.WriteZero, "3 bytes");
});

Deno.test("append file: a line is refused after close; closing twice does nothing", async () => {
  const path = await Deno.makeTempFile({ prefix: "mpmd-log-" });
  try {
    const file = new AppendFile(path);
    file.write(new TextEncoder().encode("a\n"));
    file.sync();
    file.close();
    file.close();
    assertThrows(() => file.write(new Uint8Array(1)), Deno.errors.BadResource, path);
    assertEquals(await Deno.readTextFile(path), "a\n");
  } finally {
    await Deno.remove(path);
  }
});
