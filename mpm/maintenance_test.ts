// Does idle maintenance follow httpd's algorithm? A table of scenarios: the state goes in, what is done comes out.

import { assertEquals } from "@std/assert";
import { freshMemory, maintainEvent, type PoolLimits, type PoolState } from "./maintenance.ts";

const LIMITS: PoolLimits = {
  minSpare: 75,
  maxSpare: 250,
  maxRequestWorkers: 400,
  processLimit: 16,
  serverLimit: 16,
};

function state(idle: number, children: number, total = children): PoolState {
  return {
    idle,
    activeThreads: children * 25,
    activeChildren: children,
    totalChildren: total,
    freeRows: LIMITS.serverLimit - total,
  };
}

Deno.test("maintenance, event: a starved pool grows by 1, 2, 4 … children a second", () => {
  const limits = { ...LIMITS, maxRequestWorkers: 4000, processLimit: 160, serverLimit: 160 };
  const memory = freshMemory();
  const grown: number[] = [];
  let children = 1;
  for (let tick = 0; tick < 8; tick++) {
    const { spawn } = maintainEvent({ ...state(0, children), freeRows: 160 - children }, limits, memory);
    grown.push(spawn);
    children += spawn;
  }
  assertEquals(grown, [1, 2, 4, 8, 16, 32, 32, 32]);
});

Deno.test("maintenance, event: nothing happens between MinSpareThreads and MaxSpareThreads, and the rate begins anew", () => {
  for (const idle of [75, 100, 250]) {
    const memory = { ...freshMemory(), rate: 8 };
    assertEquals(maintainEvent(state(idle, 10), LIMITS, memory), { spawn: 0, end: 0 });
    assertEquals(memory.rate, 1);
  }
});

Deno.test("maintenance, event: one child a second ends while too many threads are idle, unless others are ending", () => {
  assertEquals(maintainEvent(state(251, 11), LIMITS, freshMemory()), { spawn: 0, end: 1 });
  assertEquals(maintainEvent(state(251, 11, 12), LIMITS, freshMemory()), { spawn: 0, end: 0 });
  const roomy = { ...LIMITS, serverLimit: 40 };
  assertEquals(maintainEvent(state(251, 11, 12), roomy, freshMemory()), { spawn: 0, end: 1 });
});

Deno.test("maintenance, event: MaxRequestWorkers is reported once, with httpd's numbers", () => {
  const memory = freshMemory();
  assertEquals(maintainEvent(state(0, 16), LIMITS, memory).log?.ah, "AH00484");
  assertEquals(maintainEvent(state(0, 16), LIMITS, memory).log, undefined);
  assertEquals(maintainEvent(state(10, 16), LIMITS, freshMemory()).log?.ah, "AH10159");
});

Deno.test("maintenance, event: a scoreboard full of ending children is reported each time", () => {
  const memory = freshMemory();
  for (let tick = 0; tick < 2; tick++) {
    const { spawn, log } = maintainEvent(state(0, 4, 16), LIMITS, memory);
    assertEquals([spawn, log?.ah], [0, "AH03490"]);
  }
});

Deno.test("maintenance, event: no more children than MaxRequestWorkers allow, and a busy server says so", () => {
  const memory = { ...freshMemory(), rate: 32 };
  const { spawn, log } = maintainEvent(state(0, 10), LIMITS, memory);
  assertEquals([spawn, log?.ah], [6, "AH00486"]);
});

Deno.test("maintenance, event: after a graceful restart the rate is not doubled for a while", () => {
  const limits = { ...LIMITS, maxRequestWorkers: 4000, processLimit: 160, serverLimit: 160 };
  const memory = { ...freshMemory(), holdOff: 2 };
  const spawned = [0, 1, 2, 3].map(() =>
    maintainEvent({ ...state(0, 1), freeRows: 100 }, limits, memory).spawn
  );
  assertEquals(spawned, [1, 1, 1, 2]);
});
