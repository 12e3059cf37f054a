import { assert, assertEquals } from "@std/assert";
import { Errno } from "../../platform/posix.ts";
import { Shortage } from "./shortage.ts";

Deno.test("a shortage lasts until a connection ends, or for a second; it is told once a minute", () => {
  const shortage = new Shortage(1024);
  assert(!shortage.lasts(0, 10));
  assertEquals(shortage.begin(1000, 10), true);
  assertEquals([shortage.lasts(1999, 10), shortage.lasts(2000, 10), shortage.lasts(2000, 10)], [
    true,
    false,
    false,
  ]);
  assertEquals(shortage.begin(3000, 10), false);
  assertEquals([shortage.lasts(3001, 9), shortage.lasts(3001, 10)], [false, false]);
  assertEquals(shortage.begin(61_000, 10), true);
});

Deno.test("what accept() gives shows a shortage when it is one of the last descriptors, or an error for want of one", () => {
  const shown = (limit: number, result: number) => new Shortage(limit).isShownBy(result);
  assertEquals([shown(1024, 959), shown(1024, 960), shown(80, 74), shown(80, 75)], [
    false,
    true,
    false,
    true,
  ]);
  assertEquals([shown(1 << 18, (1 << 18) - 65), shown(1 << 18, (1 << 18) - 64)], [false, true]);
  assertEquals([shown(1024, -Errno.EMFILE), shown(1024, -Errno.EAGAIN)], [true, false]);
});
