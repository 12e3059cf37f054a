import { assert, assertEquals } from "@std/assert";
import { SlotQueue } from "./slot_queue.ts";

Deno.test("slots: those in line and those outside take turns; who is not there takes none", () => {
  const queue = new SlotQueue();
  for (const fd of [7, 8, 9]) queue.push(fd, 1000);
  assert(!queue.takeOutsideTurn());
  assertEquals(queue.shift(), 7);
  assert(!queue.takeOutsideTurn());
  queue.seeOutside(true, 1000);
  assertEquals(queue.shift(), 8);
  assert(queue.takeOutsideTurn());
  assert(!queue.takeOutsideTurn());
  assertEquals([queue.shift(), queue.shift()], [9, undefined]);
});

Deno.test("slots: it is unfair when the first in line, or somebody outside, has waited too long", () => {
  const queue = new SlotQueue();
  assert(!queue.isUnfair(1_000_000));
  queue.push(7, 1000);
  queue.push(8, 1030);
  assert(!queue.isUnfair(1020));
  assert(queue.isUnfair(1021));
  queue.shift();
  assert(!queue.isUnfair(1040));
  queue.shift();
  // Since when somebody waits, not since when that is seen again.
  queue.seeOutside(true, 1000);
  queue.seeOutside(true, 1015);
  assert(queue.isUnfair(1021));
  queue.seeOutside(false, 1021);
  assert(!queue.isUnfair(2000) && !queue.outsideWaits);
});
