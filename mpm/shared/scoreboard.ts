// Who does what right now? The scoreboard: one record per child and one per slot, in memory that the control process and all
// children share (or the threads of one process, where there is nothing to map).
//
// Everybody writes only the records that are its own; readers may see a record half-changed, as in httpd.

import { memoryAt } from "../../platform/shared_memory.ts";

/** What a slot does (httpd's codes and letters, mpm.md 12.1). */
export const SlotStatus = {
  Dead: 0,
  Starting: 1,
  Ready: 2,
  Read: 3,
  Write: 4,
  KeepAlive: 5,
  Log: 6,
  Dns: 7,
  Closing: 8,
  Graceful: 9,
  IdleKill: 10,
} as const;

/** The letter that the status page shows for each code. */
export const STATUS_LETTERS = ".S_RWKLDCGI";

/** The numbers of a child's record, all 32-bit integers. */
export const ChildField = {
  Pid: 0,
  Generation: 1,
  /** 0 serving, 1 ending, 2 ending and no longer counted as active. */
  Quiescing: 2,
  /** 1 while the child does not accept. */
  NotAccepting: 3,
  Connections: 4,
  WriteCompletion: 5,
  KeepAlive: 6,
  LingeringClose: 7,
  Suspended: 8,
  /** Connections accepted since the child started (MaxConnectionsPerChild). */
  Accepted: 9,
  /** Threads that have started. */
  ThreadsAlive: 10,
  /** CPU time of the process in ms. */
  CpuUser: 11,
  CpuSystem: 12,
  /** Counts up as long as the listener moves; of a child without threads, as long as it is not stuck in a handler. */
  Beat: 13,
  /** Resident memory of the process in KiB. */
  Resident: 14,
  /** Threads that are stuck in a handler. */
  ThreadsStuck: 15,
} as const;

/** The integers of a slot's record. */
export const SlotField = {
  Status: 0,
  Pid: 1,
  Generation: 2,
  Thread: 3,
  /** Requests of the connection in hand; 0 once the slot has let go of it. */
  ConnectionAccesses: 4,
  /** Requests served since this child started. */
  ChildAccesses: 5,
} as const;

/** The 64-bit floats of a slot's record. Times in ms since 1970. */
export const SlotTotal = {
  Accesses: 0,
  Bytes: 1,
  ChildBytes: 2,
  ConnectionBytes: 3,
  StartTime: 4,
  LastUsed: 5,
  /** Microseconds of all requests together. */
  Duration: 6,
  /** Microseconds of the latest request. */
  LastDuration: 7,
  /** Requests that ended without a response; the next five are the responses whose status begins with 1, 2, 3, 4 and 5. */
  Responses: 8,
} as const;

/** The texts of a slot's record with their sizes in bytes. */
export const SlotText = {
  Client: { at: 0, size: 48 },
  VirtualHost: { at: 48, size: 32 },
  Protocol: { at: 80, size: 16 },
  Request: { at: 96, size: 64 },
} as const;

/** Bytes that modules share, behind the slots. */
const MODULE_BYTES = 65_536;

const GLOBAL_WORDS = 16;
const CHILD_WORDS = 16;
const SLOT_BYTES = 320;
const SLOT_TOTALS_AT = 32;
const SLOT_TEXTS_AT = 144;

/** The numbers that concern the whole server, 32-bit integers. (Words 8 and 9 hold the time of the last ungraceful restart.) */
export const GlobalField = {
  Generation: 0,
  ConfigGeneration: 1,
  /** Process id of the control process; 0: it does not write here (it serves itself, or the memory cannot be shared). */
  ControlPid: 2,
  /** CPU time of the control process in ms. */
  ControlCpuUser: 3,
  ControlCpuSystem: 4,
  /** Resident memory of the control process in KiB. */
  ControlResident: 5,
  /** The most slots that may serve at once (MaxRequestWorkers times RequestsPerThread). */
  SlotLimit: 6,
  /** Children started, and those that ended unasked. */
  Started: 10,
  Failed: 11,
} as const;

/** How large a scoreboard is. */
export interface ScoreboardShape {
  readonly children: number;
  /** Slots of one child: threads times requests per thread. */
  readonly slots: number;
}

/** Where a scoreboard is, for another thread of the process: memory that is mapped, or that is shared by the threads alone. */
export type ScoreboardPlace =
  | { readonly shape: ScoreboardShape; readonly address: bigint; readonly size: number }
  | { readonly shape: ScoreboardShape; readonly memory: SharedArrayBuffer };

/** The scoreboard at a place. */
export function openScoreboard(place: ScoreboardPlace): Scoreboard {
  const memory = "memory" in place ? place.memory : memoryAt(place.address, place.size);
  return new Scoreboard(memory, place.shape);
}

/** A view of the scoreboard's memory. */
export class Scoreboard {
  readonly #global: Int32Array;
  readonly #children: Int32Array;
  readonly #slotWords: Int32Array;
  readonly #slotTotals: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #restart: Float64Array;
  /** What modules share among all children; 0 at the start. It stays over graceful restarts. */
  readonly moduleWords: Int32Array;
  readonly #slotsAt: number;

  constructor(memory: ArrayBufferLike, readonly shape: ScoreboardShape) {
    this.#slotsAt = slotsOffset(shape);
    this.#global = new Int32Array(memory, 0, GLOBAL_WORDS);
    this.#restart = new Float64Array(memory, 32, 1);
    this.#children = new Int32Array(memory, GLOBAL_WORDS * 4, shape.children * CHILD_WORDS);
    this.#slotWords = new Int32Array(memory);
    this.#slotTotals = new Float64Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.moduleWords = new Int32Array(memory, Scoreboard.size(shape) - MODULE_BYTES, MODULE_BYTES / 4);
  }

  /** Bytes that a scoreboard of this shape takes. */
  static size(shape: ScoreboardShape): number {
    return slotsOffset(shape) + shape.children * shape.slots * SLOT_BYTES + MODULE_BYTES;
  }

  global(field: number): number {
    return Atomics.load(this.#global, field);
  }

  setGlobal(field: number, value: number): void {
    Atomics.store(this.#global, field, value);
  }

  /** Start, or last ungraceful restart, in ms since 1970. */
  get restartTime(): number {
    return this.#restart[0];
  }

  set restartTime(ms: number) {
    this.#restart[0] = ms;
  }

  /** Counts an event up. The control process alone does. */
  addGlobal(field: number): void {
    Atomics.add(this.#global, field, 1);
  }

  child(child: number, field: number): number {
    return Atomics.load(this.#children, child * CHILD_WORDS + field);
  }

  setChild(child: number, field: number, value: number): void {
    Atomics.store(this.#children, child * CHILD_WORDS + field, value);
  }

  /** Makes a child's record, and those of its slots, ready for process `pid`, of which the first `starting` begin now; totals of the slots go on. */
  beginChild(child: number, pid: number, generation: number, starting: number): void {
    this.#children.fill(0, child * CHILD_WORDS, (child + 1) * CHILD_WORDS);
    this.setChild(child, ChildField.Pid, pid);
    this.setChild(child, ChildField.Generation, generation);
    for (let slot = 0; slot < this.shape.slots; slot++) {
      const row = this.row(child, slot);
      this.setSlot(row, SlotField.Pid, pid);
      this.setSlot(row, SlotField.Generation, generation);
      this.setSlot(row, SlotField.ChildAccesses, 0);
      this.setTotal(row, SlotTotal.ChildBytes, 0);
      this.setSlot(row, SlotField.Status, slot < starting ? SlotStatus.Starting : SlotStatus.Dead);
    }
  }

  /** The child is gone. */
  endChild(child: number): void {
    this.#children.fill(0, child * CHILD_WORDS, (child + 1) * CHILD_WORDS);
    for (let slot = 0; slot < this.shape.slots; slot++) {
      this.setSlot(this.row(child, slot), SlotField.Status, SlotStatus.Dead);
    }
  }

  /** The row of a slot: what the slot methods take. */
  row(child: number, slot: number): number {
    return child * this.shape.slots + slot;
  }

  slot(row: number, field: number): number {
    return this.#slotWords[(this.#slotsAt + row * SLOT_BYTES >> 2) + field];
  }

  setSlot(row: number, field: number, value: number): void {
    this.#slotWords[(this.#slotsAt + row * SLOT_BYTES >> 2) + field] = value;
  }

  total(row: number, field: number): number {
    return this.#slotTotals[(this.#slotsAt + row * SLOT_BYTES + SLOT_TOTALS_AT >> 3) + field];
  }

  setTotal(row: number, field: number, value: number): void {
    this.#slotTotals[(this.#slotsAt + row * SLOT_BYTES + SLOT_TOTALS_AT >> 3) + field] = value;
  }

  /** Adds one finished request to a slot's counters. `status` of the response or 0, `bytes` sent, `micros` it took, `now` in ms since 1970. */
  count(row: number, status: number, bytes: number, micros: number, now: number): void {
    const words = this.#slotsAt + row * SLOT_BYTES >> 2;
    const totals = this.#slotsAt + row * SLOT_BYTES + SLOT_TOTALS_AT >> 3;
    this.#slotWords[words + SlotField.ConnectionAccesses]++;
    this.#slotWords[words + SlotField.ChildAccesses]++;
    this.#slotTotals[totals + SlotTotal.Accesses]++;
    this.#slotTotals[totals + SlotTotal.Bytes] += bytes;
    this.#slotTotals[totals + SlotTotal.ChildBytes] += bytes;
    this.#slotTotals[totals + SlotTotal.ConnectionBytes] += bytes;
    this.#slotTotals[totals + SlotTotal.LastUsed] = now;
    this.#slotTotals[totals + SlotTotal.Duration] += micros;
    this.#slotTotals[totals + SlotTotal.LastDuration] = micros;
    this.#slotTotals[totals + SlotTotal.Responses + Math.min(5, status / 100 | 0)]++;
  }

  /** A slot lets go of its connection: it is ready for another. */
  releaseSlot(row: number): void {
    this.setSlot(row, SlotField.Status, SlotStatus.Ready);
    this.setSlot(row, SlotField.ConnectionAccesses, 0);
    this.setTotal(row, SlotTotal.ConnectionBytes, 0);
  }

  /** Stores a text (latin1, cut to its size). */
  setText(row: number, field: { readonly at: number; readonly size: number }, text: string): void {
    const at = this.#slotsAt + row * SLOT_BYTES + SLOT_TEXTS_AT + field.at;
    const length = Math.min(text.length, field.size - 1);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = text.charCodeAt(i);
    this.#bytes[at + length] = 0;
  }

  /** Stores a text that is `bytes` from `start` to `end`, cut to its size. */
  setBytes(
    row: number,
    field: { readonly at: number; readonly size: number },
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const at = this.#slotsAt + row * SLOT_BYTES + SLOT_TEXTS_AT + field.at;
    const length = Math.min(end - start, field.size - 1);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[start + i];
    this.#bytes[at + length] = 0;
  }

  /** Reads a text. */
  text(row: number, field: { readonly at: number; readonly size: number }): string {
    const at = this.#slotsAt + row * SLOT_BYTES + SLOT_TEXTS_AT + field.at;
    let text = "";
    for (let i = 0; i < field.size && this.#bytes[at + i] !== 0; i++) {
      text += String.fromCharCode(this.#bytes[at + i]);
    }
    return text;
  }
}

function slotsOffset(shape: ScoreboardShape): number {
  return (GLOBAL_WORDS + shape.children * CHILD_WORDS) * 4;
}
