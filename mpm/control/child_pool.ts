// Which children should there be, and are they? Starts them, follows what becomes of them, and keeps their number right.

import { BeatWatch } from "./beat_watch.ts";
import { memoryRoom } from "../../platform/memory_limit.ts";
import { Cost, mayGrow, megabytes } from "../rules/memory_rules.ts";
import { type ChildEnd, type ChildProcess, Children, logChildEnd } from "./children.ts";
import { ChildExit, type ChildOrder } from "../shared/child_order.ts";
import type { ServerSockets } from "../listening/listeners.ts";
import type { ControlServer } from "./control_channel.ts";
import {
  afterDeath,
  type DeathCause,
  freshMemory,
  type MaintenanceMemory,
  type PoolState,
} from "../rules/maintenance.ts";
import { ChildField, GlobalField, type Scoreboard, SlotField, SlotStatus } from "../shared/scoreboard.ts";
import { handlerTimeoutMs } from "./serving_order.ts";
import type { Mpm, PoolShape, RunnableConfig, ServerHost } from "../types.ts";

/** What the pool needs of the control process. */
export interface ChildPoolParts {
  readonly mpm: Mpm;
  readonly host: ServerHost;
  readonly server: ControlServer;
  readonly scoreboard: Scoreboard;
  readonly sockets: ServerSockets;
  order(row: number, generation: number): ChildOrder;
  /** Children have sockets of their own, which no other can take over: they renew their threads instead. */
  readonly renewing: boolean;
  /** As many children of this generation as there shall be at first are ready. */
  onServing(): void;
  /** The configuration in force. */
  config(): RunnableConfig;
  /** The pool cannot go on: the server has to end, with this exit code. */
  onHopeless(exitCode: number): void;
  /** A child has gone: it may have been woken for a connection that it did not take. */
  onGone(): void;
  /** The last child of a pool that is closed has gone. */
  onEmpty(): void;
}

/** A child that dies before it was ready is not replaced sooner after its start than this (ms). */
const RESTART_MS = 1000;
/** After so many that died before any was ready the server gives up. */
const MOST_STILLBORN = 5;
/** After a graceful restart this many starving ticks start children without doubling. */
const HOLD_OFF = 10;

/** The children of a control process. */
export class ChildPool {
  readonly #memory: MaintenanceMemory = freshMemory();
  readonly #children: Children;
  readonly #beats: BeatWatch;
  #generation = 0;
  #saidShort = false;
  #closed = false;
  /** Children that have ended before any was ready. */
  #stillborn = 0;
  /** Some child has been ready; some child of this generation. */
  #served = false;
  #healthy = false;
  /** There have not been StartServers children of this generation yet. */
  #filling = true;
  #diedSinceTick = false;
  /** This generation does not start: nothing is started until the next. */
  #held = false;

  constructor(readonly parts: ChildPoolParts, public shape: PoolShape) {
    const always = parts.mpm.model === "process" || parts.renewing;
    this.#beats = new BeatWatch(parts.scoreboard, always);
    this.#children = new Children(shape.serverLimit, parts.server, parts.host, {
      order: parts.order,
      command: () => parts.config().childCommand,
      leaveTo: (row, start) => parts.sockets.leaveTo(row, start),
      remaining: () => ({ ...parts.sockets.remaining, heirs: !this.#closed }),
      onReady: (child) => this.#onReady(child),
      onEnding: () => this.#replaceEnding(),
      onExhausted: (child) => {
        const message =
          "Child: Process exiting because it reached MaxConnectionsPerChild. Signaling the parent to restart a new child process.";
        parts.host.log("notice", "AH00358", message);
        if (this.#closed) return;
        if (parts.renewing) this.#children.renew(child, this.#generation);
        else this.#start();
      },
      onExit: (child, end) => this.#onExit(child, end),
    });
  }

  get generation(): number {
    return this.#generation;
  }

  get all(): readonly ChildProcess[] {
    return this.#children.all;
  }

  /** Children of this generation that are not ending. */
  get serving(): ChildProcess[] {
    return this.#children.all.filter((child) =>
      !child.ending && !child.exhausted && child.generation === this.#generation
    );
  }

  /** See BeatWatch. */
  isAnswering(ms: number): boolean {
    return this.#beats.isAnswering(this.#children.all, ms);
  }

  /** Starts children until `count` of this generation serve. */
  startUpTo(count: number): void {
    while (!this.#closed && this.serving.length < count) if (!this.#start()) return;
    if (this.serving.length >= this.shape.startServers) this.#filling = false;
  }

  /** From now on children of a new generation serve; with `kill` those of the old one are gone at once. */
  nextGeneration(kill: boolean): void {
    this.#generation++;
    this.#healthy = false;
    this.#held = false;
    this.#filling = true;
    this.#memory.holdOff = HOLD_OFF;
    if (this.parts.renewing && !kill) {
      for (const child of this.#children.all) {
        if (!child.ending) this.#children.renew(child, this.#generation);
      }
    }
    if (kill) this.signalAll("SIGKILL");
    // Of the generation before, those that do not serve yet never need to.
    for (const child of this.#children.all) {
      const old = child.generation !== this.#generation;
      if (old && !child.ready && !child.ending) this.#children.endGracefully(child);
    }
    this.#makeRoom();
    this.startUpTo(this.shape.startServers);
  }

  /**
   * Where no row is free for the new generation, a child of the old one ends that has the fewest connections; one a second more
   * until there are StartServers new ones, for it may take long. httpd ends them all at once, and then nobody accepts until the
   * first has gone.
   */
  #makeRoom(): void {
    if (!this.#filling || this.#children.freeRows > 0) return;
    const { scoreboard } = this.parts;
    const connections = ({ row }: ChildProcess) => scoreboard.child(row, ChildField.Connections);
    const [first] = this.#outgoing.sort((a, b) => connections(a) - connections(b));
    if (first !== undefined) this.#children.endGracefully(first);
  }

  /** Children that serve until others have taken their place. */
  get #outgoing(): ChildProcess[] {
    return this.#children.all.filter((child) =>
      !child.ending && (child.generation !== this.#generation || child.exhausted)
    );
  }

  /** No more children are started; those there are finish what they have. */
  endGracefully(): void {
    this.#closed = true;
    for (const child of this.#children.all) if (!child.ending) this.#children.endGracefully(child);
    if (this.#children.all.length === 0) this.parts.onEmpty();
  }

  /** No more children are started; those there are end now. */
  stop(): void {
    this.#closed = true;
    for (const child of this.#children.all) {
      child.ending = true;
      if (child.channel !== undefined) child.channel.send({ type: "stop" });
      else this.#children.signal(child, "SIGKILL");
    }
    if (this.#children.all.length === 0) this.parts.onEmpty();
  }

  signalAll(signal: Deno.Signal): void {
    for (const child of this.#children.all) {
      child.ending = true;
      this.#children.signal(child, signal);
    }
  }

  #start(): boolean {
    const { scoreboard, mpm, host } = this.parts;
    const row = this.#children.freeRow;
    if (row < 0 || this.#held) return false;
    try {
      const child = this.#children.start(row, this.#generation);
      const { threads, requestsPerThread } = this.shape;
      scoreboard.addGlobal(GlobalField.Started);
      scoreboard.beginChild(row, child.pid, this.#generation, threads.start * requestsPerThread);
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      host.log("error", mpm.messages.forkFailed, `${text}: fork: Unable to fork new process`);
      return false;
    }
  }

  #onReady(child: ChildProcess): void {
    if (!this.#served) this.parts.host.onServing();
    this.#served = true;
    // One that was told to end before it was ready says nothing about those that come after it.
    if (child.generation !== this.#generation) return;
    this.#healthy = true;
    // Each child of a new generation that serves lets one of the old ones go; the first StartServers of them, all.
    const { serving } = this;
    const ready = serving.filter((child) => child.ready).length;
    const { startServers } = this.shape;
    const keep = Math.max(0, (this.#filling ? startServers : Math.min(startServers, serving.length)) - ready);
    const old = this.#outgoing;
    for (const child of old.slice(0, Math.max(0, old.length - keep))) this.#children.endGracefully(child);
    this.#makeRoom();
    if (ready >= Math.min(startServers, serving.length)) this.parts.onServing();
  }

  /** A child ends of its own accord: another takes its place before it is gone. */
  #replaceEnding(): void {
    if (!this.#closed && this.serving.length < this.shape.startServers) this.#start();
  }

  #onExit(child: ChildProcess, end: ChildEnd): void {
    const { scoreboard, host, mpm, onEmpty, onHopeless } = this.parts;
    const memory = {
      resident: scoreboard.child(child.row, ChildField.Resident),
      heapLimit: this.parts.config().settings.threadHeapLimit ?? 0,
    };
    scoreboard.endChild(child.row);
    this.parts.onGone();
    this.#beats.forget(child);
    if (!child.ending || end.code !== ChildExit.Ok && end.signal === null) {
      scoreboard.addGlobal(GlobalField.Failed);
      logChildEnd(host.log, child, end, memory);
    }
    if (this.#closed) {
      if (this.#children.all.length === 0) onEmpty();
      return;
    }
    const current = child.generation === this.#generation;
    if (end.code === ChildExit.Fatal && current) return onHopeless(0);
    const stillborn = !child.ready && !child.ending && end.signal === null;
    if (current && stillborn && this.#served && !this.#healthy) {
      this.#held = !host.keepsTrying;
      host.supervisor.failing();
    }
    // A child that was killed says nothing about the next.
    if (!this.#served && end.signal === null && !child.ending) this.#stillborn++;
    if (!this.#served && (end.code === ChildExit.ChildInit || this.#stillborn === MOST_STILLBORN)) {
      host.log("alert", undefined, "no child can start: the server ends");
      return onHopeless(1);
    }
    const sick = end.code === ChildExit.Sick;
    if (!current || child.ending && !sick) return this.startUpTo(this.#filling ? this.shape.startServers : 1);
    this.#diedSinceTick = true;
    const cause: DeathCause = end.signal !== null ? "signal" : sick ? "sick" : "other";
    const { replace, killedInARow } = afterDeath(cause, mpm.replacedByMaintenance, this.#memory);
    if (killedInARow !== undefined) {
      host.log("warn", mpm.messages.killedInARow, `${killedInARow} children were killed successively`);
    }
    if (!replace) return;
    const wait = child.ready ? 0 : Math.max(0, RESTART_MS - (performance.now() - child.startedAt));
    setTimeout(() => {
      if (!this.#closed && this.serving.length < this.shape.processLimit) this.#start();
    }, wait);
  }

  /** Idle maintenance, once a second. */
  maintain(): void {
    if (this.#closed) return;
    const { mpm, host } = this.parts;
    if (this.#memory.sick) {
      this.#memory.sick = false;
      if (!this.#healthy && mpm.messages.sick !== undefined) {
        const message = "No active child processes: a shortage of resources ends the server";
        host.log("alert", mpm.messages.sick, message);
        return this.parts.onHopeless(1);
      }
    }
    if (!this.#diedSinceTick) this.#memory.killed = 0;
    this.#diedSinceTick = false;
    const limit = mpm.model === "process" ? handlerTimeoutMs(this.parts.config()) : 0;
    for (const child of this.#beats.look(this.#children.all, limit)) this.#killStuck(child, limit);
    this.#makeRoom();
    const { spawn, end, log } = mpm.maintain(this.#state(), { ...this.shape }, this.#memory);
    if (log !== undefined) host.log(log.level, log.ah, log.message);
    for (let i = 0; i < spawn && this.#fits(); i++) if (!this.#start()) break;
    // Of children without threads an idle one ends, or its client would wait for nothing.
    const candidates = this.serving.filter((child) => mpm.model !== "process" || this.#idleSlots(child) > 0);
    const last = candidates.at(-1);
    if (end > 0 && last !== undefined) this.#children.endGracefully(last);
  }

  /** There is memory for one more child; the first ones are started in any case. */
  #fits(): boolean {
    const { mpm, host } = this.parts;
    if (this.serving.length < this.shape.startServers) return true;
    const room = memoryRoom();
    if (mayGrow(mpm.model === "process" ? Cost.Process : Cost.Child + Cost.Thread, room)) return true;
    if (!this.#saidShort) {
      const left = `${megabytes(room!.left)} of the ${room!.of}'s ${
        megabytes(room!.limit)
      } of memory are left`;
      host.log("error", mpm.messages.forkFailed, `${left}: fork: Unable to fork new process`);
    }
    this.#saidShort = true;
    return false;
  }

  #state(): PoolState {
    const { requestsPerThread, threads } = this.shape;
    const { serving } = this;
    let idle = 0;
    for (const child of serving) {
      // Children that are starting count as idle, so that slow starts do not snowball.
      if (!child.ready) idle += threads.max * requestsPerThread;
      else if (this.parts.scoreboard.child(child.row, ChildField.NotAccepting) === 0) {
        idle += this.#idleSlots(child);
      }
    }
    return {
      idle: Math.floor(idle / requestsPerThread),
      activeThreads: serving.length * threads.max,
      activeChildren: serving.length,
      totalChildren: this.#children.all.length,
      freeRows: this.#children.freeRows,
    };
  }

  #idleSlots(child: ChildProcess): number {
    const { scoreboard } = this.parts;
    const slots = this.shape.threads.max * this.shape.requestsPerThread;
    let idle = 0;
    for (let slot = 0; slot < slots; slot++) {
      const status = scoreboard.slot(scoreboard.row(child.row, slot), SlotField.Status);
      if (status === SlotStatus.Ready || status === SlotStatus.Starting) idle++;
    }
    return idle;
  }

  /** A child without threads that is stuck in a handler is seen from here, and nobody but its client loses anything by its end. */
  #killStuck(child: ChildProcess, limit: number): void {
    const text = `is stuck in a handler for more than ${limit / 1000} s (HandlerTimeout): it is killed`;
    this.parts.host.log("error", undefined, `child pid ${child.pid} ${text}`);
    this.#children.signal(child, "SIGKILL");
  }
}
