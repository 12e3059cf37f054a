// Are as many threads started as there is work for?

import { assertEquals } from "@std/assert";
import { threadsToStart, warmThreads } from "./threads_on_demand.ts";

const LIMITS = { spare: 1, startsAtOnce: 4 };

Deno.test("threads on demand: none while one has room; the next while the last is being taken", () => {
  assertEquals(threadsToStart({ free: 1, blocked: 0, starting: 0, asleep: 5 }, LIMITS), 0);
  assertEquals(threadsToStart({ free: 0, blocked: 0, starting: 0, asleep: 5 }, LIMITS), 1);
  assertEquals(threadsToStart({ free: 0, blocked: 0, starting: 1, asleep: 5 }, LIMITS), 0);
  assertEquals(threadsToStart({ free: 0, blocked: 0, starting: 0, asleep: 0 }, LIMITS), 0);
});

Deno.test("threads on demand: threads that are stuck double the number, until all have room or all are started", () => {
  let [running, blocked, rounds] = [1, 1, 0];
  while (running < 25) {
    running += threadsToStart({ free: 0, blocked, starting: 0, asleep: 25 - running }, {
      spare: 1,
      startsAtOnce: 100,
    });
    blocked = running;
    rounds++;
  }
  assertEquals([running, rounds], [25, 4]);
});

Deno.test("threads on demand: no more starts at once than allowed", () => {
  assertEquals(threadsToStart({ free: 0, blocked: 9, starting: 3, asleep: 50 }, LIMITS), 1);
  assertEquals(threadsToStart({ free: 0, blocked: 9, starting: 4, asleep: 50 }, LIMITS), 0);
});

Deno.test("threads on demand: a process begins with as many as it has a processor for", () => {
  assertEquals(warmThreads(25, 2, 2, false), 1);
  assertEquals(warmThreads(25, 8, 2, false), 4);
  assertEquals(warmThreads(2, 8, 1, false), 2);
  assertEquals(warmThreads(25, 2, 2, true), 25);
});
