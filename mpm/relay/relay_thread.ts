// What does a server thread do whose connections are relayed? Everything comes as messages: it lives in its event loop.

import { openScoreboard, type Scoreboard, SlotField, SlotStatus } from "../shared/scoreboard.ts";
import { RelayConnection, type RelayHost } from "./relay_connection.ts";
import { RelayOutgoing } from "./relay_outgoing.ts";
import type { ProxyProtocolPolicy } from "../shared/proxy_protocol.ts";
import type { ToListener, ToThread } from "./relay_messages.ts";
import type { ThreadOrder } from "../thread/server_thread.ts";
import { ThreadControl, ThreadState } from "../shared/thread_control.ts";
import { TimerWheel } from "../thread/timer_wheel.ts";
import type { ThreadProgram } from "../shared/transport.ts";
import type { WorkerScope } from "../thread/worker_thread.ts";

/** When a thread ends, a connection that sleeps has this long (ms) for a request that may be under way. */
const HURRY_MS = 1000;

export class RelayThread implements RelayHost {
  readonly wheel: TimerWheel;
  readonly scoreboard: Scoreboard;
  readonly #control: ThreadControl;
  readonly #connections = new Map<number, RelayConnection>();
  readonly #freeRows: number[] = [];
  #ended: () => void = () => {};
  #batchOpen = false;

  constructor(readonly order: ThreadOrder, readonly program: ThreadProgram, readonly scope: WorkerScope) {
    this.wheel = new TimerWheel(performance.now());
    this.#control = new ThreadControl(order.controlMemory);
    this.scoreboard = openScoreboard(order.scoreboard);
    const first = this.scoreboard.row(order.child, order.thread * order.requestsPerThread);
    for (let i = order.requestsPerThread - 1; i >= 0; i--) {
      this.#freeRows.push(first + i);
      this.scoreboard.setSlot(first + i, SlotField.Thread, order.thread);
      this.scoreboard.setSlot(first + i, SlotField.Status, SlotStatus.Ready);
    }
    program.useOutgoing?.(new RelayOutgoing());
    scope.onmessage = ({ data }) => this.#onMessage(data as ToThread);
    this.#control.setState(order.thread, ThreadState.Running);
  }

  get stopping(): boolean {
    return this.#control.stopping;
  }

  get proxyProtocol(): ProxyProtocolPolicy | undefined {
    return this.program.proxyProtocol;
  }

  /** Serves until the thread retires. */
  async run(): Promise<void> {
    const done = new Promise<void>((resolve) => this.#ended = resolve);
    const timer = setInterval(() => this.#tick(), this.wheel.resolution);
    await done;
    clearInterval(timer);
    this.program.endOfBatch();
  }

  /** The thread dies: what it has in hand ends, and it takes nothing any more. */
  abandonAll(): void {
    this.scope.onmessage = null;
    for (const connection of this.#connections.values()) connection.abandon();
    this.#ended();
  }

  #tick(): void {
    this.#control.addBeat(this.order.thread);
    if (this.stopping) { for (const connection of this.#connections.values()) connection.hurry(HURRY_MS); }
    if (this.wheel.size === 0) return;
    this.wheel.advance(
      performance.now(),
      (entry) => this.#guard(entry as RelayConnection, (c) => c.onTimer()),
    );
    this.program.endOfBatch();
  }

  #onMessage(message: ToThread): void {
    this.#control.addBeat(this.order.thread);
    if (message.type === "ping") {
      if (this.#control.state(this.order.thread) === ThreadState.Retiring) this.#ended();
      return;
    }
    if (message.type === "open") {
      const row = this.#freeRows.pop()!;
      this.scoreboard.setSlot(row, SlotField.Status, SlotStatus.Read);
      const { id, peer, local } = message;
      const connection = new RelayConnection(this, this.program.createHandler(), id, peer, local, row);
      this.#connections.set(id, connection);
      this.#guard(connection, (c) => c.open());
      return;
    }
    const connection = this.#connections.get(message.id);
    // What was on its way when the thread let go of the connection.
    if (connection === undefined) return;
    this.program.beginOfBatch();
    this.#guard(connection, (c) => c.onMessage(message));
    this.#endBatchSoon();
  }

  /** A fault of the engine costs the connection that met it, not the thread. */
  #guard(connection: RelayConnection, action: (connection: RelayConnection) => void): void {
    try {
      action(connection);
    } catch (error) {
      this.program.onFault(error);
      connection.abandon();
    }
  }

  /** Messages that arrive together are one batch. */
  #endBatchSoon(): void {
    if (this.#batchOpen) return;
    this.#batchOpen = true;
    queueMicrotask(() => {
      this.#batchOpen = false;
      this.program.endOfBatch();
    });
  }

  post(message: ToListener): void {
    this.scope.postMessage(message);
  }

  showPhase(connection: RelayConnection, phase: "keep-alive" | "reading"): void {
    const status = phase === "keep-alive" ? SlotStatus.KeepAlive : SlotStatus.Read;
    this.scoreboard.setSlot(connection.row, SlotField.Status, status);
  }

  forget(connection: RelayConnection): void {
    this.#connections.delete(connection.id);
    this.scoreboard.releaseSlot(connection.row);
    this.#freeRows.push(connection.row);
    this.#endBatchSoon();
  }
}
