// What does a service manager hear of the server? mod_systemd's part: that it is ready, reloads, ends, what it does, and that it
// is alive, in the words of sd_notify(3).

import { type ServerView, type Supervisor } from "../mpm/mod.ts";
import { takeSnapshot } from "./snapshot.ts";
import { system } from "../platform/detect.ts";
import { NotifySocket } from "../platform/notify_socket.ts";

/** The status is told anew this often (ms), as mod_systemd does. */
const STATUS_MS = 10_000;

/** Variables that are for this process alone. */
const VARIABLES = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/**
 * The service manager that has started this process, if any. Its variables are taken out of the environment: nothing that the
 * server starts speaks for it.
 * @param warn is told, once, that messages do not arrive
 */
export function findSupervisor(warn: (message: string) => void): Supervisor | undefined {
  const [name, watchdog, watchdogPid] = VARIABLES.map((variable) => Deno.env.get(variable));
  for (const variable of VARIABLES) Deno.env.delete(variable);
  if (!name) return undefined;
  if (system !== "linux") {
    warn("NOTIFY_SOCKET is set, but only on Linux something is sent there");
    return undefined;
  }
  let socket: NotifySocket;
  try {
    socket = new NotifySocket(name);
  } catch (error) {
    warn(`NOTIFY_SOCKET: ${(error as Error).message}`);
    return undefined;
  }
  const isForUs = watchdogPid === undefined || watchdogPid === String(Deno.pid);
  const micros = watchdog !== undefined && /^\d{1,15}$/.test(watchdog) && isForUs ? Number(watchdog) : 0;
  return new Systemd(socket, micros / 1000, warn);
}

class Systemd implements Supervisor {
  #state: "starting" | "ready" | "reloading" | "stopping" = "starting";
  #view: ServerView | undefined;
  #requests = 0;
  #countedAt = 0;
  #failed = false;

  /** `watchdog`: ms within which a sign of life is expected; 0: none is. */
  constructor(
    readonly socket: NotifySocket,
    readonly watchdog: number,
    readonly warn: (message: string) => void,
  ) {}

  watch(view: ServerView): void {
    this.#view = view;
    Deno.unrefTimer(setInterval(() => this.#send(`STATUS=${this.#status(view)}`), STATUS_MS));
    if (this.watchdog === 0) return;
    const sign = () => {
      if (view.isAnswering(this.watchdog)) this.#send("WATCHDOG=1");
    };
    Deno.unrefTimer(setInterval(sign, this.watchdog / 2));
  }

  ready(): void {
    if (this.#state === "ready" || this.#state === "stopping") return;
    this.#state = "ready";
    const status = this.#view === undefined ? "" : `\nSTATUS=${this.#status(this.#view)}`;
    this.#send(`READY=1\nMAINPID=${Deno.pid}${status}`);
  }

  reloading(): void {
    if (this.#state !== "ready") return;
    this.#state = "reloading";
    this.#send(
      `RELOADING=1\nMONOTONIC_USEC=${this.socket.monotonicMicros()}\nSTATUS=Reading the configuration`,
    );
  }

  failing(): void {
    if (this.#state === "reloading") {
      this.#send("STATUS=What was loaded does not start; the old generation serves");
    }
  }

  stopping(): void {
    if (this.#state === "stopping") return;
    this.#state = "stopping";
    this.#send("STOPPING=1\nSTATUS=Finishing requests");
  }

  /** "2 children, 3 of 128 slots busy; 12,345 requests, 17.2/s": requests only where ExtendedStatus counts them. */
  #status({ scoreboard }: ServerView): string {
    const { children, busy, idle, accesses } = takeSnapshot(scoreboard);
    const now = performance.now();
    const rate = (accesses - this.#requests) / Math.max(1, now - this.#countedAt) * 1000;
    const requests = accesses === 0 ? "" : `; ${accesses} requests, ${rate.toFixed(1)}/s`;
    this.#requests = accesses;
    this.#countedAt = now;
    const processes = children.length === 1 ? "1 child" : `${children.length} children`;
    return `${processes}, ${busy} of ${busy + idle} slots busy${requests}`;
  }

  #send(text: string): void {
    try {
      this.socket.send(text);
    } catch (error) {
      if (!this.#failed) this.warn(`the service manager is not reached: ${(error as Error).message}`);
      this.#failed = true;
    }
  }
}
