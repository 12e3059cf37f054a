// What does this process cost? Its CPU time and its memory, written to the scoreboard for the status pages.

import process from "node:process";
import { elapsed } from "../shared/connection_table.ts";
import { ChildField, GlobalField, type Scoreboard } from "../shared/scoreboard.ts";

/** Looking costs some 13 us: not more often than this (ms). */
const LOOK_MS = 1000;

/** Writes the figures of this process from time to time. */
export class UsageReport {
  #last: number | undefined;

  constructor(readonly write: (cpuUser: number, cpuSystem: number, resident: number) => void) {}

  /** Brings the figures up to date if they are old. `now`: clock(). */
  publish(now: number): void {
    if (this.#last !== undefined && elapsed(now, this.#last) < LOOK_MS) return;
    this.#last = now;
    const { user, system } = process.cpuUsage();
    const { rss } = Deno.memoryUsage();
    this.write(Math.round(user / 1000), Math.round(system / 1000), Math.round(rss / 1024));
  }
}

/** The report of the process that serves in a child's row. */
export function childUsage(scoreboard: Scoreboard, child: number): UsageReport {
  return new UsageReport((cpuUser, cpuSystem, resident) => {
    scoreboard.setChild(child, ChildField.CpuUser, cpuUser);
    scoreboard.setChild(child, ChildField.CpuSystem, cpuSystem);
    scoreboard.setChild(child, ChildField.Resident, resident);
  });
}

/** The report of the control process. */
export function controlUsage(scoreboard: Scoreboard): UsageReport {
  return new UsageReport((cpuUser, cpuSystem, resident) => {
    scoreboard.setGlobal(GlobalField.ControlCpuUser, cpuUser);
    scoreboard.setGlobal(GlobalField.ControlCpuSystem, cpuSystem);
    scoreboard.setGlobal(GlobalField.ControlResident, resident);
  });
}
