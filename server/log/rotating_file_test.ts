// Do all that write to a log that rotates find the same file?

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { fileNow, RotatingFile } from "./rotating_file.ts";
import type { RotatingTarget } from "./target.ts";

const at = (hour: number, minute: number) => new Date(2026, 2, 4, hour, minute).getTime();
const bytes = (text: string) => new TextEncoder().encode(text);

async function inDirectory(test: (root: string) => void | Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function target(pattern: string, interval?: number, size?: number): RotatingTarget {
  return { kind: "rotating", pattern, interval, bytes: size };
}

/** One writer with a clock of its own, closed at the end. */
function writer(to: RotatingTarget, clock: { now: number }) {
  const problems: string[] = [];
  const firstPath = fileNow(to, clock.now);
  const first = Deno.openSync(firstPath, { append: true, create: true });
  const file = new RotatingFile(to, {
    firstPath,
    first: (part, length) => first.writeSync(part.subarray(0, length)),
    onProblem: (message) => problems.push(message),
    now: () => clock.now,
  });
  return {
    problems,
    write: (text: string) => file.write(bytes(text), bytes(text).length),
    [Symbol.dispose]() {
      file.close();
      first.close();
    },
  };
}

Deno.test("rotation: the name is that of the begin of the interval, from midnight, local time", () => {
  const name = (to: RotatingTarget, hour: number, minute: number) => fileNow(to, at(hour, minute));
  assertEquals(name(target("a.%F", 86_400), 0, 0), "a.2026-03-04");
  assertEquals(name(target("a.%F", 86_400), 23, 59), "a.2026-03-04");
  assertEquals(name(target("a.%H:%M", 7200), 13, 59), "a.12:00");
  assertMatch(name(target("a", 3600), 5, 30), /^a\.\d+$/);
  assertEquals(name(target("a", 3600), 5, 30), `a.${at(5, 0) / 1000}`);
});

Deno.test("rotation: by size, the last file counts, or the one after it if that is full", () =>
  inDirectory((root) => {
    const to = target(join(root, "log"), undefined, 10);
    const now = () => fileNow(to, 0).slice(root.length + 1);
    assertEquals(now(), "log");
    Deno.writeTextFileSync(join(root, "log"), "123456789");
    assertEquals(now(), "log");
    Deno.writeTextFileSync(join(root, "log"), "1234567890");
    assertEquals(now(), "log.1");
    Deno.writeTextFileSync(join(root, "log.9"), "x");
    Deno.writeTextFileSync(join(root, "log.30.gz"), "x");
    Deno.writeTextFileSync(join(root, "login"), "x");
    assertEquals(now(), "log.9");
    Deno.writeTextFileSync(join(root, "log.10"), "1234567890");
    assertEquals(now(), "log.11");
  }));

Deno.test("rotation: two writers go from file to file together", () =>
  inDirectory((root) => {
    const clock = { now: at(5, 59) };
    const to = target(join(root, "log.%H"), 3600);
    using one = writer(to, clock);
    using two = writer(to, clock);
    one.write("1\n");
    two.write("2\n");
    clock.now = at(6, 0);
    two.write("3\n");
    one.write("4\n");
    assertEquals(Deno.readTextFileSync(join(root, "log.05")), "1\n2\n");
    assertEquals(Deno.readTextFileSync(join(root, "log.06")), "3\n4\n");
  }));

Deno.test("rotation: a file that is full is followed by the next number, for both", () =>
  inDirectory((root) => {
    const clock = { now: at(5, 0) };
    const to = target(join(root, "log"), undefined, 32);
    using one = writer(to, clock);
    using two = writer(to, clock);
    for (let i = 0; i < 8; i++) {
      one.write(`one ${i}\n`);
      two.write(`two ${i}\n`);
      clock.now += 1000;
    }
    const files = [...Deno.readDirSync(root)].map(({ name }) => name).sort();
    assertEquals(files, ["log", "log.1", "log.2"]);
    const lines = files.flatMap((name) => Deno.readTextFileSync(join(root, name)).trimEnd().split("\n"));
    assertEquals(lines.length, 16);
    assertEquals(lines.filter((line) => line.startsWith("one")).map((line) => line.at(-1)), [..."01234567"]);
  }));

Deno.test("rotation: a process that is started long after the file was opened begins with another", () =>
  inDirectory((root) => {
    const clock = { now: at(5, 0) };
    using log = writer(target(join(root, "log.%H"), 3600), clock);
    clock.now = at(9, 0);
    log.write("late\n");
    assertEquals(Deno.readTextFileSync(join(root, "log.05")), "");
    assertEquals(Deno.readTextFileSync(join(root, "log.09")), "late\n");
  }));

Deno.test("rotation: what cannot be made leaves the file before it in use, and is told", () =>
  inDirectory((root) => {
    const clock = { now: at(5, 0) };
    Deno.mkdirSync(join(root, "05"));
    using log = writer(target(join(root, "%H", "log"), 3600), clock);
    clock.now = at(6, 0);
    assertEquals(log.write("still\n"), 6);
    assertEquals(log.problems.length, 1);
    assertMatch(log.problems[0], /goes on in .*05.log/);
    Deno.mkdirSync(join(root, "06"));
    log.write("at once it is not tried again\n");
    clock.now = at(6, 2);
    log.write("now\n");
    assertEquals(Deno.readTextFileSync(join(root, "06", "log")), "now\n");
    assertEquals(Deno.readTextFileSync(join(root, "05", "log")), "still\nat once it is not tried again\n");
  }));
