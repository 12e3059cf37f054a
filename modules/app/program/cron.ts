// When does a job of Deno.cron() run, that every thread of every child has registered? Each thread's Deno calls it when it is due; the
// thread that is the first to say so, in memory that all share, runs it. So nobody is elected, and nobody has to take over from a child
// that is gone.

import { type SharedRecord, sharedRecord } from "../../../server/shared_record.ts";

/** Numbers of a job's record. */
const Word = {
  /** The occurrence that was begun last: minutes since 1970. */
  Occurrence: 1,
  /** It is running, or to be tried again, until then (seconds since 1970) unless that is renewed; 0: it is not. */
  BusyUntil: 2,
  /** Who runs it: a number by chance. */
  Runner: 3,
} as const;

const MINUTE_MS = 60_000;
/** A timer may be early by this much (ms). */
const EARLY_MS = 1000;
/** Whoever runs a job says every RENEWAL_MS that it does; a child that does not for LEASE_S (seconds) is gone, or as good as. */
const RENEWAL_MS = 5000;
const LEASE_S = 15;
/** So often Deno tries again where the program does not say: the length of its schedule. */
const DEFAULT_RETRIES = 5;

type Cron = typeof Deno.cron;
type Handler = () => void | Promise<void>;

/** What jobs need of their thread. */
export interface CronThread {
  /** Memory that all threads of all children share. */
  readonly area: Int32Array;
  /** The child is being replaced, or ends. */
  readonly ending: () => boolean;
  /** The event loop has its turns until then. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  readonly log: (message: string) => void;
}

/** One registration of one thread. */
class Job {
  readonly #record: SharedRecord;
  readonly #runner = crypto.getRandomValues(new Int32Array(1))[0];
  #failures = 0;
  #renewal: ReturnType<typeof setInterval> | undefined;

  constructor(
    readonly name: string,
    readonly retries: number,
    readonly handler: Handler,
    readonly thread: CronThread,
  ) {
    this.#record = sharedRecord(thread.area, `Deno.cron ${name}`);
  }

  /** It is due, or due to be tried again. @throws what the handler throws: Deno counts failures */
  async run(): Promise<void> {
    if (this.#failures > 0 && this.thread.ending()) return this.release();
    if (this.#failures === 0 && !this.#claim()) return;
    try {
      const done = Promise.resolve(this.handler());
      this.thread.waitUntil(done.catch(() => {}));
      await done;
    } catch (error) {
      const what = error instanceof Error ? error.stack ?? error.message : String(error);
      this.thread.log(`Deno.cron ${JSON.stringify(this.name)}: ${what}`);
      if (++this.#failures > this.retries) this.release();
      throw error;
    }
    this.release();
  }

  /** This thread is the one that runs the present occurrence. */
  #claim(): boolean {
    if (this.thread.ending() || this.#isBusy()) return false;
    const minute = Math.floor((Date.now() + EARLY_MS) / MINUTE_MS);
    const last = this.#record.get(Word.Occurrence);
    if (last === minute || !this.#record.exchange(Word.Occurrence, last, minute)) return false;
    this.#record.set(Word.Runner, this.#runner);
    this.#renew();
    this.#renewal = setInterval(() => this.#renew(), RENEWAL_MS);
    return true;
  }

  /** Somebody is at an earlier occurrence. (Seconds since 1970 leave 32 bits in 2038: what counts is the difference.) */
  #isBusy(): boolean {
    const until = this.#record.get(Word.BusyUntil);
    return until !== 0 && (until - seconds() | 0) > 0;
  }

  #renew(): void {
    if (this.#record.get(Word.Runner) === this.#runner) {
      this.#record.set(Word.BusyUntil, seconds() + LEASE_S);
    }
  }

  /** The occurrence is over, with this thread. */
  release(): void {
    this.#failures = 0;
    if (this.#renewal === undefined) return;
    clearInterval(this.#renewal);
    this.#renewal = undefined;
    if (this.#record.exchange(Word.Runner, this.#runner, 0)) this.#record.set(Word.BusyUntil, 0);
  }
}

function seconds(): number {
  return Date.now() / 1000 | 0;
}

/**
 * From now on jobs that are registered in this thread run once per server. Names, schedules, times and attempts stay Deno's. Returns what
 * ends with the thread.
 */
export function captureCron(thread: CronThread): () => void {
  const jobs: Job[] = [];
  replaceHandlers((name, handler, { backoffSchedule, signal }) => {
    const job = new Job(name, backoffSchedule?.length ?? DEFAULT_RETRIES, handler, thread);
    jobs.push(job);
    signal?.addEventListener("abort", () => job.release(), { once: true });
    return () => job.run();
  });
  return () => jobs.forEach((job) => job.release());
}

/** From now on jobs of this thread are registered, which says whether they can be, and do nothing: the program is only looked at. */
export function idleCron(): void {
  replaceHandlers(() => () => {});
}

type Options = { readonly backoffSchedule?: number[]; readonly signal?: AbortSignal };

/** The handler of each job becomes what `make` makes of it. */
function replaceHandlers(make: (name: string, handler: Handler, options: Options) => Handler): void {
  const native = Deno.cron as (...args: unknown[]) => Promise<void>;
  const cron = (...args: unknown[]): Promise<void> => {
    // (name, schedule, handler) or (name, schedule, options, handler); Deno says what is wrong with others.
    const at = args.findIndex((arg) => typeof arg === "function");
    const options = (args.find((arg, i) => i > 1 && i !== at && typeof arg === "object") ?? {}) as Options;
    if (at > 1) args[at] = make(String(args[0]), args[at] as Handler, options);
    return native.apply(Deno, args);
  };
  Object.defineProperty(Deno, "cron", {
    configurable: true,
    enumerable: true,
    writable: true,
    value: cron as Cron,
  });
}
