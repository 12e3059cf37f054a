// Do jobs of Deno.cron() run once, whatever the number of threads, and does another go on when one is gone? Threads that share memory,
// with a Deno.cron() each that is due when the test says.

import { assertEquals, assertRejects } from "@std/assert";
import { captureCron, type CronThread, idleCron } from "./cron.ts";

const native = Object.getOwnPropertyDescriptor(Deno, "cron");
type Cron = (name: string, schedule: string, ...rest: unknown[]) => Promise<void>;

/** Threads whose jobs are due when that is said, at a time that is said. */
class Server implements Disposable {
  readonly area = new Int32Array(new SharedArrayBuffer(65_536));
  readonly said: string[] = [];
  readonly #now = Date.now;
  readonly #ends: (() => void)[] = [];
  now = 1_800_000_000_000;

  constructor() {
    Date.now = () => this.now;
  }

  /** A thread that registers `handler`. Returns what its Deno calls when the job is due. */
  thread(handler: () => void | Promise<void>, options?: unknown, more: Partial<CronThread> = {}) {
    let due: (() => Promise<void>) | undefined;
    const define = (value: unknown) => Object.defineProperty(Deno, "cron", { configurable: true, value });
    define((...args: unknown[]) => void (due = args.findLast((arg) => typeof arg === "function") as never));
    const { area, said } = this;
    const waitUntil = () => {};
    this.#ends.push(
      captureCron({ area, waitUntil, ending: () => false, log: (line) => said.push(line), ...more }),
    );
    const cron = Deno.cron as Cron;
    if (options === undefined) cron("a job", "* * * * *", handler);
    else cron("a job", "* * * * *", options, handler);
    return () => due!();
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
    Date.now = this.#now;
    if (native === undefined) Reflect.deleteProperty(Deno, "cron");
    else Object.defineProperty(Deno, "cron", native);
  }
}

Deno.test("cron: one thread of all runs an occurrence, and any the next", async () => {
  using server = new Server();
  const runs: number[] = [];
  const threads = [0, 1, 2].map((id) => server.thread(() => void runs.push(id)));
  await Promise.all(threads.map((due) => due()));
  assertEquals(runs, [0]);
  // The same minute, late; and the next, a little early: the first of them is gone.
  server.now += 50_000;
  await threads[1]();
  assertEquals(runs, [0]);
  server.now += 9_500;
  await Promise.all([threads[2](), threads[1]()]);
  assertEquals(runs, [0, 2]);
});

Deno.test("cron: one that is still running is not run beside itself, until its child is gone", async () => {
  using server = new Server();
  const runs: number[] = [];
  const done = Promise.withResolvers<void>();
  const first = server.thread(() => (runs.push(0), done.promise));
  const second = server.thread(() => void runs.push(1));
  const running = first();
  server.now += 10_000;
  await second();
  assertEquals(runs, [0]);
  // Nobody has said for a minute that it goes on.
  server.now += 60_000;
  await second();
  assertEquals(runs, [0, 1]);
  done.resolve();
  await running;
  server.now += 60_000;
  await first();
  assertEquals(runs, [0, 1, 0]);
});

Deno.test("cron: the thread that failed tries again, as often as the schedule says, and others wait", async () => {
  using server = new Server();
  const runs: number[] = [];
  const first = server.thread(() => {
    runs.push(0);
    throw new Error("no database");
  }, { backoffSchedule: [100, 200] });
  const second = server.thread(() => void runs.push(1), { backoffSchedule: [100, 200] });
  await assertRejects(() => first(), Error, "no database");
  server.now += 200;
  await second();
  for (let retry = 0; retry < 2; retry++) await assertRejects(() => first(), Error, "no database");
  assertEquals([runs, server.said.length], [[0, 0, 0], 3]);
  assertEquals(server.said[0].startsWith('Deno.cron "a job": Error: no database\n    at '), true);
  // That was the last: neither tries again, and the next occurrence is anybody's.
  await first();
  server.now += 60_000;
  await second();
  assertEquals(runs, [0, 0, 0, 1]);
});

Deno.test("cron: a child that ends begins nothing, and a job that was ended gives way", async () => {
  using server = new Server();
  const runs: number[] = [];
  const aborter = new AbortController();
  const old = server.thread(() => void runs.push(0), undefined, { ending: () => true });
  const ended = server.thread(() => {
    runs.push(1);
    throw new Error("once");
  }, { signal: aborter.signal });
  const next = server.thread(() => void runs.push(2));
  await old();
  await assertRejects(() => ended(), Error, "once");
  aborter.abort();
  server.now += 60_000;
  await next();
  assertEquals(runs, [1, 2]);
});

Deno.test("cron: a program that is only looked at runs no job", async () => {
  using server = new Server();
  const runs: number[] = [];
  let due: (() => void) | undefined;
  server.thread(() => {});
  Object.defineProperty(Deno, "cron", {
    configurable: true,
    value: (_name: string, _schedule: string, handler: () => void) => void (due = handler),
  });
  idleCron();
  await (Deno.cron as Cron)("a job", "* * * * *", () => void runs.push(0));
  due!();
  assertEquals(runs, []);
});
