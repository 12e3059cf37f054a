// Do lines arrive whole and in order, and does nothing that fails reach a request?

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AccessLogWriter, type WriteFailure } from "./writer.ts";

/** A writer to memory. `take` says how many of so many bytes the system takes; it may throw. */
function memory(take: (bytes: number) => number = (bytes) => bytes) {
  const calls: string[] = [];
  const failures: WriteFailure[] = [];
  const clock = { now: 0 };
  const decoder = new TextDecoder();
  const writer = new AccessLogWriter({
    write(bytes) {
      const taken = take(bytes.length);
      calls.push(decoder.decode(bytes.subarray(0, taken), { stream: true }));
      return taken;
    },
    onError: (failure) => failures.push(failure),
    now: () => clock.now,
  });
  return { writer, calls, failures, clock };
}

Deno.test("access log: the lines of a batch are one write", () => {
  const { writer, calls } = memory();
  writer.line("one");
  writer.line("zwei ü €");
  assertEquals(calls, []);
  writer.flush();
  writer.flush();
  assertEquals(calls, ["one\nzwei ü €\n"]);
});

Deno.test("access log: more than 64 KiB do not wait for the end of the batch; no write splits a line", () => {
  const { writer, calls } = memory();
  const text = "x".repeat(1000);
  for (let i = 0; i < 100; i++) writer.line(text);
  assertEquals(calls.length, 1);
  writer.flush();
  assertEquals(calls.length, 2);
  assert(calls.every((call) => call.endsWith(`${text}\n`) && call.startsWith(text)));
});

Deno.test("access log: a line longer than the buffer arrives whole", () => {
  const { writer, calls } = memory();
  const text = "€".repeat(100_000);
  writer.line(text);
  assertEquals(calls, [`${text}\n`]);
});

Deno.test("access log: partial writes are continued", () => {
  const lines = fc.array(fc.string({ unit: "grapheme", maxLength: 30 }), { maxLength: 20 });
  fc.assert(fc.property(lines, fc.integer({ min: 1, max: 40 }), (texts, most) => {
    const { writer, calls, failures } = memory((bytes) => Math.min(bytes, most));
    for (const text of texts) writer.line(text);
    writer.flush();
    assertEquals(calls.join(""), texts.map((text) => `${text}\n`).join(""));
    assertEquals(failures, []);
  }));
});

Deno.test("access log: failures are reported once a minute, with the lines lost until then; all are counted", () => {
  const { writer, failures, clock } = memory(() => {
    throw new Error("No space left on device");
  });
  const fail = (count: number, now: number) => {
    clock.now = now;
    for (let i = 0; i < count; i++) writer.line("x");
    writer.flush();
  };
  fail(2, 0);
  fail(3, 1000);
  fail(4, 59_999);
  assertEquals(failures.map(({ lostLines }) => lostLines), [2]);
  fail(1, 60_000);
  assertEquals(failures.map(({ lostLines }) => lostLines), [2, 8]);
  assertEquals(failures[1].error.message, "No space left on device");
  assertEquals(writer.lostLines, 10);
});

Deno.test("access log: a system that takes nothing is a failure, not an endless loop", () => {
  const { writer, failures } = memory(() => 0);
  writer.line("x");
  writer.flush();
  assertEquals(failures.length, 1);
  assert(failures[0].error instanceof Deno.errors.WriteZero);
});

Deno.test("access log: after a write that broke off within a line, the next line begins a new one", () => {
  let broken = true;
  let writes = 0;
  const { writer, calls } = memory((bytes) => {
    if (broken && ++writes === 2) throw new Error("broken");
    return broken ? 6 : bytes;
  });
  writer.line("one");
  writer.line("two");
  writer.line("three");
  writer.flush();
  assertEquals(writer.lostLines, 2);
  broken = false;
  writer.line("four");
  writer.flush();
  writer.line("five");
  writer.flush();
  assertEquals(calls.join(""), "one\ntw\nfour\nfive\n");
});
