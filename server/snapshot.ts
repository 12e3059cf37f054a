// What does the scoreboard say right now? One reading of it, in the terms of the status pages.

import {
  ChildField,
  GlobalField,
  type Scoreboard,
  SlotField,
  SlotStatus,
  SlotText,
  SlotTotal,
  STATUS_LETTERS,
} from "../mpm/thread_side.ts";

/** A slot, as the worker table shows it. */
export interface SlotReading {
  readonly child: number;
  readonly letter: string;
  readonly pid: number;
  readonly generation: number;
  readonly connectionAccesses: number;
  readonly childAccesses: number;
  readonly accesses: number;
  readonly bytes: number;
  readonly childBytes: number;
  readonly connectionBytes: number;
  /** ms since 1970. */
  readonly lastUsed: number;
  /** Microseconds: all requests, the latest one. */
  readonly duration: number;
  readonly lastDuration: number;
  readonly client: string;
  readonly protocol: string;
  readonly virtualHost: string;
  readonly request: string;
}

/** CPU time in ms and resident memory in KiB of a process. */
export interface ProcessReading {
  readonly cpuUser: number;
  readonly cpuSystem: number;
  readonly resident: number;
}

/** A child, as the table of connections shows it. */
export interface ChildReading extends ProcessReading {
  readonly row: number;
  readonly pid: number;
  readonly stopping: boolean;
  readonly oldGeneration: boolean;
  readonly accepting: boolean;
  readonly connections: number;
  readonly writing: number;
  readonly keepAlive: number;
  readonly closing: number;
  readonly threads: number;
  readonly stuckThreads: number;
  readonly busy: number;
  readonly graceful: number;
  readonly idle: number;
}

/** The whole scoreboard, but for what single slots did. */
export interface Snapshot {
  readonly generation: number;
  readonly configGeneration: number;
  readonly restartTime: number;
  /** Undefined where the process that serves is its own control process, or shares no memory with it. */
  readonly control: ProcessReading | undefined;
  /** Children that the control process has started, and those that ended unasked. */
  readonly started: number;
  readonly failed: number;
  readonly children: readonly ChildReading[];
  /** Letters of all slots in row order. */
  readonly letters: string;
  readonly accesses: number;
  /** Requests without a response, then those answered with 1xx, 2xx, 3xx, 4xx and 5xx. */
  readonly responses: readonly number[];
  readonly bytes: number;
  /** Microseconds. */
  readonly duration: number;
  readonly busy: number;
  readonly graceful: number;
  readonly idle: number;
  /** The most slots that the configuration allows for. */
  readonly slotLimit: number;
  /** CPU time of the children, ms. */
  readonly cpuUser: number;
  readonly cpuSystem: number;
}

const RESPONSE_CLASSES = 6;

/** Reads the scoreboard. Slots change meanwhile: the figures are near each other, not of one instant. */
export function takeSnapshot(scoreboard: Scoreboard): Snapshot {
  const { shape } = scoreboard;
  const generation = scoreboard.global(GlobalField.Generation);
  const children: ChildReading[] = [];
  const responses = new Array<number>(RESPONSE_CLASSES).fill(0);
  /** Generations of one process have a row each. */
  const processes = new Map<number, ProcessReading>();
  let letters = "";
  let [accesses, bytes, duration] = [0, 0, 0];
  for (let row = 0; row < shape.children; row++) {
    const pid = scoreboard.child(row, ChildField.Pid);
    const stopping = scoreboard.child(row, ChildField.Quiescing) !== 0;
    const current = scoreboard.child(row, ChildField.Generation) === generation;
    let [busy, graceful, idle] = [0, 0, 0];
    for (let i = 0; i < shape.slots; i++) {
      const slot = scoreboard.row(row, i);
      const letter = letterOf(scoreboard, slot);
      letters += letter;
      accesses += scoreboard.total(slot, SlotTotal.Accesses);
      bytes += scoreboard.total(slot, SlotTotal.Bytes);
      duration += scoreboard.total(slot, SlotTotal.Duration);
      for (let j = 0; j < RESPONSE_CLASSES; j++) {
        responses[j] += scoreboard.total(slot, SlotTotal.Responses + j);
      }
      if (pid === 0 || stopping) continue;
      if (letter === "G") graceful++;
      else if (letter === "_" && current) idle++;
      else if (!"._SI".includes(letter)) busy++;
    }
    if (pid === 0) continue;
    const child: ChildReading = {
      row,
      pid,
      stopping,
      oldGeneration: !current,
      accepting: scoreboard.child(row, ChildField.NotAccepting) === 0,
      connections: scoreboard.child(row, ChildField.Connections),
      writing: scoreboard.child(row, ChildField.WriteCompletion),
      keepAlive: scoreboard.child(row, ChildField.KeepAlive),
      closing: scoreboard.child(row, ChildField.LingeringClose),
      threads: scoreboard.child(row, ChildField.ThreadsAlive),
      stuckThreads: scoreboard.child(row, ChildField.ThreadsStuck),
      cpuUser: scoreboard.child(row, ChildField.CpuUser),
      cpuSystem: scoreboard.child(row, ChildField.CpuSystem),
      resident: scoreboard.child(row, ChildField.Resident),
      busy,
      graceful,
      idle,
    };
    children.push(child);
    const known = processes.get(pid);
    if (known === undefined || known.cpuUser < child.cpuUser) processes.set(pid, child);
  }
  return {
    generation,
    configGeneration: scoreboard.global(GlobalField.ConfigGeneration),
    restartTime: scoreboard.restartTime,
    control: readControl(scoreboard),
    started: scoreboard.global(GlobalField.Started),
    failed: scoreboard.global(GlobalField.Failed),
    children,
    letters,
    accesses,
    responses,
    bytes,
    duration,
    busy: sum(children, "busy"),
    graceful: sum(children, "graceful"),
    idle: sum(children, "idle"),
    slotLimit: scoreboard.global(GlobalField.SlotLimit),
    cpuUser: sum([...processes.values()], "cpuUser"),
    cpuSystem: sum([...processes.values()], "cpuSystem"),
  };
}

/** The sum of a figure over readings. */
export function sum<K extends string>(readings: readonly Readonly<Record<K, number>>[], key: K): number {
  return readings.reduce((total, reading) => total + reading[key], 0);
}

/** The slots that have been used or do something now, in row order. */
export function readSlots(scoreboard: Scoreboard): SlotReading[] {
  const { shape } = scoreboard;
  const slots: SlotReading[] = [];
  for (let child = 0; child < shape.children; child++) {
    for (let i = 0; i < shape.slots; i++) {
      const row = scoreboard.row(child, i);
      const used = scoreboard.total(row, SlotTotal.Accesses) > 0;
      if (used || !"._".includes(letterOf(scoreboard, row))) slots.push(readSlot(scoreboard, child, row));
    }
  }
  return slots;
}

/** Slots that are not open: process id and letter, in row order. */
export function readStates(scoreboard: Scoreboard): { readonly pid: number; readonly letter: string }[] {
  const { shape } = scoreboard;
  const states = [];
  for (let row = 0; row < shape.children * shape.slots; row++) {
    const letter = letterOf(scoreboard, row);
    if (letter !== ".") states.push({ pid: scoreboard.slot(row, SlotField.Pid), letter });
  }
  return states;
}

function letterOf(scoreboard: Scoreboard, row: number): string {
  return STATUS_LETTERS[scoreboard.slot(row, SlotField.Status)] ?? STATUS_LETTERS[SlotStatus.Dead];
}

function readControl(scoreboard: Scoreboard): ProcessReading | undefined {
  if (scoreboard.global(GlobalField.ControlPid) === 0) return undefined;
  return {
    cpuUser: scoreboard.global(GlobalField.ControlCpuUser),
    cpuSystem: scoreboard.global(GlobalField.ControlCpuSystem),
    resident: scoreboard.global(GlobalField.ControlResident),
  };
}

function readSlot(scoreboard: Scoreboard, child: number, row: number): SlotReading {
  return {
    child,
    letter: letterOf(scoreboard, row),
    pid: scoreboard.slot(row, SlotField.Pid),
    generation: scoreboard.slot(row, SlotField.Generation),
    connectionAccesses: scoreboard.slot(row, SlotField.ConnectionAccesses),
    childAccesses: scoreboard.slot(row, SlotField.ChildAccesses),
    accesses: scoreboard.total(row, SlotTotal.Accesses),
    bytes: scoreboard.total(row, SlotTotal.Bytes),
    childBytes: scoreboard.total(row, SlotTotal.ChildBytes),
    connectionBytes: scoreboard.total(row, SlotTotal.ConnectionBytes),
    lastUsed: scoreboard.total(row, SlotTotal.LastUsed),
    duration: scoreboard.total(row, SlotTotal.Duration),
    lastDuration: scoreboard.total(row, SlotTotal.LastDuration),
    client: scoreboard.text(row, SlotText.Client),
    protocol: scoreboard.text(row, SlotText.Protocol),
    virtualHost: scoreboard.text(row, SlotText.VirtualHost),
    request: scoreboard.text(row, SlotText.Request),
  };
}
