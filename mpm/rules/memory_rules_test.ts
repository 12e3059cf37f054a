// Is what does not fit told with its sum, and does growth stop in time?

import { assert, assertEquals } from "@std/assert";
import type { PoolShape } from "../types.ts";
import { fixedThreads } from "./dimension.ts";
import { childrenThatFit, Cost, mayGrow, tooLarge } from "./memory_rules.ts";

const MB = 1 << 20;
const shape = (processLimit: number, threads: number) =>
  ({ processLimit, threads: fixedThreads(threads) }) as unknown as PoolShape;

Deno.test("memory: a configuration that does not fit is told with the sum", () => {
  const room = { limit: 512 * MB, left: 400 * MB, of: "cgroup" } as const;
  assertEquals(tooLarge(shape(1, 10), false, room), undefined);
  assertEquals(
    tooLarge(shape(6, 25), false, room),
    "6 children with 25 threads (540 MB each, and the control process) may take 3280 MB, this cgroup has 512 MB: " +
      "as many are started as fit",
  );
  assertEquals(tooLarge(shape(6, 25), false, undefined), undefined);
  assert(tooLarge(shape(20, 1), true, room)!.startsWith("20 children (50 MB each"));
});

Deno.test("memory: growth leaves a reserve", () => {
  const room = (left: number) => ({ limit: 512 * MB, left: left * MB, of: "machine" }) as const;
  assert(mayGrow(Cost.Thread, room(52)));
  assert(!mayGrow(Cost.Thread, room(51)));
  assert(!mayGrow(Cost.Thread, { limit: 4096 * MB, left: 270 * MB, of: "machine" }));
  assert(mayGrow(Cost.Thread, undefined));
});

Deno.test("memory: defaults are what fits into three quarters of it", () => {
  const machine = (mb: number) => ({ processors: 2, memory: mb * MB });
  assertEquals(childrenThatFit(8, 2, machine(8192)), 8);
  assertEquals(childrenThatFit(8, 2, machine(512)), 4);
  assertEquals(childrenThatFit(32, 0, machine(512)), 6);
  assertEquals(childrenThatFit(8, 2, machine(64)), 1);
  assertEquals(childrenThatFit(8, 2, { processors: 2, memory: undefined }), 8);
});
