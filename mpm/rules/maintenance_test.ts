// Does idle maintenance follow httpd's algorithm? A table of scenarios: the state goes in, what is done comes out.

import { assertEquals } from "@std/assert";
import {
  afterDeath,
  freshMemory,
  maintainEvent,
  maintainFixed,
  maintainPrefork,
  maintainThreads,
  maintainWorker,
  type PoolLimits,
  type PoolState,
} from "./maintenance.ts";

const LIMITS: PoolLimits = {
  startServers: 3,
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

/** prefork's defaults: 5 to 10 spare children of 256. */
const PREFORK: PoolLimits = {
  startServers: 5,
  minSpare: 5,
  maxSpare: 10,
  maxRequestWorkers: 256,
  processLimit: 256,
  serverLimit: 256,
};

function children(idle: number, total: number): PoolState {
  return {
    idle,
    activeThreads: total,
    activeChildren: total,
    totalChildren: total,
    freeRows: PREFORK.serverLimit - total,
  };
}

Deno.test("maintenance, prefork: MinSpareServers 40 on one child grows to 1, 2, 4, 8, 16, 32, 64 in all", () => {
  const limits = { ...PREFORK, minSpare: 40, maxSpare: 64 };
  const memory = freshMemory();
  const totals = [1];
  while (totals.length < 8) {
    const total = totals.at(-1)!;
    totals.push(total + maintainPrefork(children(total, total), limits, memory).spawn);
  }
  assertEquals(totals, [1, 2, 4, 8, 16, 32, 64, 64]);
});

Deno.test("maintenance, prefork: one child a second ends above MaxSpareServers, and none between the limits", () => {
  assertEquals(maintainPrefork(children(11, 20), PREFORK, freshMemory()), { spawn: 0, end: 1 });
  for (const idle of [5, 10]) {
    assertEquals(maintainPrefork(children(idle, 20), PREFORK, { ...freshMemory(), rate: 16 }), {
      spawn: 0,
      end: 0,
    });
  }
});

Deno.test("maintenance, prefork: MaxRequestWorkers is said once in the life of the server", () => {
  const memory = { ...freshMemory(), rate: 8 };
  assertEquals(maintainPrefork(children(0, 256), PREFORK, memory).log?.ah, "AH00161");
  assertEquals(memory.rate, 1);
  assertEquals(maintainPrefork(children(0, 256), PREFORK, memory).log, undefined);
});

Deno.test("maintenance, prefork: from a rate of 8 on the server says that it is busy", () => {
  const memory = freshMemory();
  const said = [1, 2, 3, 4].map(() => maintainPrefork(children(0, 20), PREFORK, memory).log?.ah);
  assertEquals(said, [undefined, undefined, undefined, "AH00162"]);
});

Deno.test("maintenance, worker: one child ends whatever else is ending, and its messages have its own numbers", () => {
  assertEquals(maintainWorker(state(251, 11, 12), LIMITS, freshMemory()), { spawn: 0, end: 1 });
  assertEquals(maintainWorker(state(0, 16), LIMITS, freshMemory()).log?.ah, "AH00286");
  assertEquals(maintainWorker(state(10, 16), LIMITS, freshMemory()).log?.ah, "AH00287");
  assertEquals(maintainWorker(state(0, 4, 16), LIMITS, freshMemory()).log?.ah, "AH00288");
  assertEquals(maintainWorker(state(0, 10), LIMITS, { ...freshMemory(), rate: 8 }).log?.ah, "AH00289");
});

Deno.test("maintenance, os2 and winnt: what is missing from StartServers is started, all at once", () => {
  assertEquals(maintainFixed(state(0, 1), LIMITS, freshMemory()), { spawn: 2, end: 0 });
  assertEquals(maintainFixed(state(0, 3), LIMITS, freshMemory()), { spawn: 0, end: 0 });
  assertEquals(maintainFixed({ ...state(0, 1), freeRows: 1 }, LIMITS, freshMemory()).spawn, 1);
});

Deno.test("maintenance, netware: threads grow by 1, 2, 4 … 64 a second to MaxThreads, which is said once", () => {
  const range = { rule: "netware", minSpare: 10, maxSpare: 100 } as const;
  const memory = freshMemory();
  const grown: number[] = [];
  let total = 1;
  for (let tick = 0; tick < 9; tick++) {
    const { start } = maintainThreads({ idle: 0, free: 200 - total, total }, range, memory);
    grown.push(start);
    total += start;
  }
  assertEquals(grown, [1, 2, 4, 8, 16, 32, 64, 64, 8]);
  assertEquals(maintainThreads({ idle: 0, free: 0, total }, range, memory).log?.ah, "AH00220");
  assertEquals(maintainThreads({ idle: 0, free: 0, total }, range, memory).log, undefined);
  assertEquals(maintainThreads({ idle: 101, free: 0, total }, range, memory), { start: 0, end: 1 });
  assertEquals(maintainThreads({ idle: 100, free: 0, total }, range, memory), { start: 0, end: 0 });
});

Deno.test("maintenance, os2: all threads that are missing start at once, and one ends while too many are idle", () => {
  const range = { rule: "os2", minSpare: 5, maxSpare: 10 } as const;
  assertEquals(maintainThreads({ idle: 1, free: 200, total: 9 }, range, freshMemory()), { start: 4, end: 0 });
  assertEquals(maintainThreads({ idle: 1, free: 2, total: 9 }, range, freshMemory()), { start: 2, end: 0 });
  assertEquals(maintainThreads({ idle: 11, free: 9, total: 20 }, range, freshMemory()), { start: 0, end: 1 });
});

Deno.test("after a death: two killed children in a row are replaced at once, the third waits, the 3rd and 13th are warned of", () => {
  const memory = freshMemory();
  const deaths = Array.from({ length: 14 }, () => afterDeath("signal", false, memory));
  assertEquals(deaths.map(({ replace }) => replace), [true, true, ...new Array(12).fill(false)]);
  const warned = deaths.flatMap(({ killedInARow }) => killedInARow ?? []);
  assertEquals(warned, [3, 13]);
});

Deno.test("after a death: prefork leaves a killed child to maintenance, a sick child slows the pool down", () => {
  assertEquals(afterDeath("signal", true, freshMemory()).replace, false);
  assertEquals(afterDeath("other", true, freshMemory()).replace, true);
  const memory = { ...freshMemory(), rate: 16 };
  assertEquals(afterDeath("sick", false, memory), { replace: false });
  assertEquals([memory.rate, memory.sick], [1, true]);
});
