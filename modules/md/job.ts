// How far is the work for a managed domain? What survives restarts of it, in staging/name/job.json as httpd's mod_md has it.

import type { Store } from "./store.ts";

const DAY_MS = 24 * 3600 * 1000;
/** The latest entries that are kept. */
const ENTRIES = 32;

/** The work for one set. Times are in ms since 1970; 0: none. */
export class Job {
  finished = false;
  notified = false;
  /** Before this nothing is done. */
  nextRun = 0;
  lastRun = 0;
  /** From then on what was got may be put in force. */
  validFrom = 0;
  /** In a row. */
  errors = 0;
  problem = "";
  detail = "";
  /** The latest first. */
  log: { readonly when: string; readonly type: string; readonly detail?: string }[] = [];

  constructor(readonly name: string) {}

  static load(store: Store, name: string): Job {
    const job = new Job(name);
    const found = store.readJson("staging", name, "job.json");
    if (found === undefined) return job;
    job.finished = found.finished === true;
    job.notified = found["notified-renewed"] === true;
    job.nextRun = timeOf(found["next-run"]);
    job.lastRun = timeOf(found["last-run"]);
    job.validFrom = timeOf(found["valid-from"]);
    job.errors = typeof found.errors === "number" ? found.errors : 0;
    const { entries } = (found.log ?? {}) as { entries?: unknown };
    if (Array.isArray(entries)) job.log = entries.slice(0, ENTRIES);
    return job;
  }

  save(store: Store): void {
    store.writeJson(
      {
        name: this.name,
        finished: this.finished,
        "notified-renewed": this.notified,
        ...this.nextRun > 0 ? { "next-run": textOf(this.nextRun) } : {},
        ...this.lastRun > 0 ? { "last-run": textOf(this.lastRun) } : {},
        ...this.validFrom > 0 ? { "valid-from": textOf(this.validFrom) } : {},
        errors: this.errors,
        last: { status: this.errors === 0 ? 0 : 1, problem: this.problem, detail: this.detail },
        log: { entries: this.log },
      },
      "staging",
      this.name,
      "job.json",
    );
  }

  note(type: string, detail?: string): void {
    this.log = [{ when: textOf(Date.now()), type, detail }, ...this.log].slice(0, ENTRIES);
  }

  /** When it last happened; 0: never. */
  latest(type: string): number {
    return timeOf(this.log.find((entry) => entry.type === type)?.when);
  }
}

function textOf(ms: number): string {
  return new Date(ms).toUTCString();
}

function timeOf(text: unknown): number {
  return (typeof text === "string" ? Date.parse(text) : 0) || 0;
}

/**
 * How long (ms) to wait after `errors` failures in a row: `least`, then twice as long each time, up to a day; `random` (0 to 1) makes it
 * up to half longer or shorter, so that servers that were started together do not ask together.
 */
export function retryDelay(errors: number, least: number, random: number): number {
  const delay = Math.min(least * 2 ** Math.min(errors - 1, 30), DAY_MS);
  return delay * (0.5 + random);
}
