// What does the scoreboard say right now? One reading of it, in the terms of the status page.

import {
  ChildField,
  GlobalField,
  type Scoreboard,
  SlotField,
  SlotStatus,
  SlotText,
  SlotTotal,
  STATUS_LETTERS,
} from "../../mpm/mod.ts";

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

/** A child, as the table of connections shows it. */
export interface ChildReading {
  readonly row: number;
  readonly pid: number;
  readonly stopping: boolean;
  readonly oldGeneration: boolean;
  readonly accepting: boolean;
  readonly connections: number;
  readonly writing: number;
  readonly keepAlive: number;
  readonly closing: number;
  readonly busy: number;
  readonly graceful: number;
  readonly idle: number;
}

/** The whole scoreboard. */
export interface Snapshot {
  readonly generation: number;
  readonly configGeneration: number;
  readonly restartTime: number;
  readonly children: readonly ChildReading[];
  /** Letters of all slots in row order. */
  readonly letters: string;
  readonly slots: readonly SlotReading[];
  readonly accesses: number;
  readonly bytes: number;
  /** Microseconds. */
  readonly duration: number;
  readonly busy: number;
  readonly graceful: number;
  readonly idle: number;
  /** CPU time of the children, ms. */
  readonly cpuUser: number;
  readonly cpuSystem: number;
}

/** Reads the scoreboard. Slots change meanwhile: the figures are near each other, not of one instant. */
export function takeSnapshot(scoreboard: Scoreboard): Snapshot {
  const { shape } = scoreboard;
  const generation = scoreboard.global(GlobalField.Generation);
  const children: ChildReading[] = [];
  const slots: SlotReading[] = [];
  let letters = "";
  let [accesses, bytes, duration, cpuUser, cpuSystem] = [0, 0, 0, 0, 0];
  for (let row = 0; row < shape.children; row++) {
    const pid = scoreboard.child(row, ChildField.Pid);
    const stopping = scoreboard.child(row, ChildField.Quiescing) !== 0;
    const current = scoreboard.child(row, ChildField.Generation) === generation;
    let [busy, graceful, idle] = [0, 0, 0];
    for (let i = 0; i < shape.slots; i++) {
      const slot = readSlot(scoreboard, row, scoreboard.row(row, i));
      letters += slot.letter;
      accesses += slot.accesses;
      bytes += slot.bytes;
      duration += slot.duration;
      if (slot.accesses > 0 || (slot.letter !== "." && slot.letter !== "_")) slots.push(slot);
      if (pid === 0 || stopping) continue;
      if (slot.letter === "G") graceful++;
      else if (slot.letter === "_" && current) idle++;
      else if (!"._SI".includes(slot.letter)) busy++;
    }
    if (pid === 0) continue;
    cpuUser += scoreboard.child(row, ChildField.CpuUser);
    cpuSystem += scoreboard.child(row, ChildField.CpuSystem);
    children.push({
      row,
      pid,
      stopping,
      oldGeneration: !current,
      accepting: scoreboard.child(row, ChildField.NotAccepting) === 0,
      connections: scoreboard.child(row, ChildField.Connections),
      writing: scoreboard.child(row, ChildField.WriteCompletion),
      keepAlive: scoreboard.child(row, ChildField.KeepAlive),
      closing: scoreboard.child(row, ChildField.LingeringClose),
      busy,
      graceful,
      idle,
    });
  }
  const sum = (key: "busy" | "graceful" | "idle") => children.reduce((total, child) => total + child[key], 0);
  return {
    generation,
    configGeneration: scoreboard.global(GlobalField.ConfigGeneration),
    restartTime: scoreboard.restartTime,
    children,
    letters,
    slots,
    accesses,
    bytes,
    duration,
    busy: sum("busy"),
    graceful: sum("graceful"),
    idle: sum("idle"),
    cpuUser,
    cpuSystem,
  };
}

function readSlot(scoreboard: Scoreboard, child: number, row: number): SlotReading {
  const status = scoreboard.slot(row, SlotField.Status);
  return {
    child,
    letter: STATUS_LETTERS[status] ?? STATUS_LETTERS[SlotStatus.Dead],
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
