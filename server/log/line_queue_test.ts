// Do lines arrive whole and in order, and does nothing that fails reach a request?

import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { until } from "../../tests/system/harness.ts";
import { LineQueue, type LineQueueOptions, type WriteFailure } from "./line_queue.ts";

/** A queue into memory. `take` says how many of so many bytes the system takes; it may throw. */
function memory(
  take: (bytes: number) => number = (bytes) => bytes,
  { together = Infinity, buffered = false }: { together?: number; buffered?: boolean } = {},
) {
  const calls: string[] = [];
  const failures: WriteFailure[] = [];
  const clock = { now: 0 };
  const decoder = new TextDecoder();
  const options: LineQueueOptions = {
    output: {
      write(bytes, length) {
        const taken = take(length);
        if (taken > 0) calls.push(decoder.decode(bytes.subarray(0, taken), { stream: true }));
        return taken;
      },
      together,
    },
    onError: (failure) => failures.push(failure),
    buffered,
    now: () => clock.now,
  };
  const queue = new LineQueue(options);
  const line = (text: string) => queue.line(text);
  return { queue, line, calls, failures, clock, [Symbol.dispose]: () => queue.close() };
}

Deno.test("lines: the lines of a batch are one write", () => {
  const { queue, line, calls } = memory();
  line("one");
  line("zwei ü €");
  assertEquals(calls, []);
  queue.flush();
  queue.flush();
  assertEquals(calls, ["one\nzwei ü €\n"]);
});

Deno.test("lines: more than 64 KiB do not wait for the end of the batch; no write splits a line", () => {
  const { queue, line, calls } = memory();
  const text = "x".repeat(1000);
  for (let i = 0; i < 100; i++) line(text);
  assertEquals(calls.length, 1);
  queue.flush();
  assertEquals(calls.length, 2);
  assert(calls.every((call) => call.endsWith(`${text}\n`) && call.startsWith(text)));
});

Deno.test("lines: a line longer than the buffer arrives whole", () => {
  const { line, calls } = memory();
  const text = "€".repeat(100_000);
  line(text);
  assertEquals(calls, [`${text}\n`]);
});

Deno.test("lines: partial writes are continued", () => {
  const lines = fc.array(fc.string({ unit: "grapheme", maxLength: 30 }), { maxLength: 20 });
  fc.assert(fc.property(lines, fc.integer({ min: 1, max: 40 }), (texts, most) => {
    const { queue, line, calls, failures } = memory((bytes) => Math.min(bytes, most));
    for (const text of texts) line(text);
    queue.flush();
    assertEquals(calls.join(""), texts.map((text) => `${text}\n`).join(""));
    assertEquals(failures, []);
  }));
});

Deno.test("lines: failures are reported once a minute, with the lines lost until then; all are counted", () => {
  const { queue, line, failures, clock } = memory(() => {
    throw new Error("No space left on device");
  });
  const fail = (count: number, now: number) => {
    clock.now = now;
    for (let i = 0; i < count; i++) line("x");
    queue.flush();
  };
  fail(2, 0);
  fail(3, 1000);
  fail(4, 59_999);
  assertEquals(failures.map(({ lostLines }) => lostLines), [2]);
  fail(1, 60_000);
  assertEquals(failures.map(({ lostLines }) => lostLines), [2, 8]);
  assertEquals(failures[1].error.message, "No space left on device");
  assertEquals(queue.lostLines, 10);
});

Deno.test("lines: a reader that is slow gets its lines later, in order and whole", () => {
  const take = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1 });
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 9 }), { minLength: 1 }), take, (texts, sizes) => {
    let call = 0;
    let slow = true;
    using to = memory((bytes) => slow ? Math.min(bytes, sizes[call++ % sizes.length]) : bytes, {
      together: 8,
    });
    const visible = texts.map((text) => text.replaceAll("\n", " "));
    for (const text of visible) {
      to.line(text);
      to.queue.endOfBatch();
    }
    slow = false;
    to.queue.flush();
    assertEquals(to.calls.join(""), visible.map((text) => `${text}\n`).join(""));
    assertEquals(to.failures, []);
  }));
});

Deno.test("lines: what a reader does not take is kept up to a mebibyte, then lost and reported", () => {
  let slow = true;
  using to = memory((bytes) => slow ? 0 : bytes);
  const text = "x".repeat(9_999);
  for (let i = 0; i < 200; i++) to.line(text);
  assertEquals(to.failures.length, 1);
  assertMatch(to.failures[0].error.message, /too slow/);
  slow = false;
  to.queue.flush();
  const arrived = to.calls.join("").split("\n").length - 1;
  assertEquals(arrived + to.queue.lostLines, 200);
  assert(arrived >= 100 && arrived < 120, `${arrived} arrived`);
});

Deno.test("lines: a log that takes little at once gets whole lines, as many as stay together", () => {
  using to = memory(undefined, { together: 10 });
  for (const text of ["aaa", "bbb", "ccc", "a long line of its own", "d"]) to.line(text);
  to.queue.flush();
  assertEquals(to.calls, ["aaa\nbbb\n", "ccc\n", "a long line of its own\n", "d\n"]);
});

Deno.test("lines: buffered ones wait for company, until there are many or the log is closed", () => {
  const { queue, line, calls } = memory(undefined, { buffered: true });
  line("one");
  queue.endOfBatch();
  line("two");
  queue.endOfBatch();
  assertEquals(calls, []);
  line("x".repeat(70_000));
  assertEquals(calls.length, 1);
  line("last");
  queue.endOfBatch();
  queue.close();
  assertEquals(calls[1], "last\n");
});

Deno.test("lines: buffered ones are written although nothing else comes", async () => {
  using to = memory(undefined, { buffered: true });
  to.line("one");
  to.queue.endOfBatch();
  await until("the line", () => to.calls.length > 0);
  assertEquals(to.calls, ["one\n"]);
});

Deno.test("lines: after a write that broke off within a line, the next line begins a new one", () => {
  let broken = true;
  let writes = 0;
  const { queue, line, calls } = memory((bytes) => {
    if (broken && ++writes === 2) throw new Error("broken");
    return broken ? 6 : bytes;
  });
  line("one");
  line("two");
  line("three");
  queue.flush();
  assertEquals(queue.lostLines, 2);
  broken = false;
  line("four");
  queue.flush();
  line("five");
  queue.flush();
  assertEquals(calls.join(""), "one\ntw\nfour\nfive\n");
});
