// How much memory may this process and its children use, and how much of that is left? The machine's, or that of the control groups (version 2)
// above this process, whichever is less: what is used beyond it ends with the kernel's killer.

/** Bytes of memory, all that may be used and what is left of it. */
export interface MemoryRoom {
  readonly limit: number;
  readonly left: number;
  /** Whose limit it is. */
  readonly of: "machine" | "cgroup";
}

/** Where version 2 is mounted: alone, or beside version 1. */
const MOUNTS = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];

/** Looks at /proc and /sys below `root`; undefined where the system says nothing (no Linux). */
export function memoryRoom(root = "/"): MemoryRoom | undefined {
  const machine = machineRoom(root);
  if (machine === undefined) return undefined;
  let room = machine;
  for (const group of groupRooms(root)) {
    // A group that allows for more than there is sets no limit.
    if (group.limit < machine.limit && group.left < room.left) room = group;
  }
  return room;
}

function machineRoom(root: string): MemoryRoom | undefined {
  const text = read(`${root}proc/meminfo`);
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text ?? "")?.[1]);
  const [limit, left] = [kib("MemTotal") * 1024, kib("MemAvailable") * 1024];
  return limit > 0 && left >= 0 ? { limit, left, of: "machine" } : undefined;
}

/** This process's group, and those above it: each limits those below. */
function* groupRooms(root: string): Iterable<MemoryRoom> {
  const own = /^0::\/(.*)$/m.exec(read(`${root}proc/self/cgroup`) ?? "")?.[1];
  if (own === undefined) return;
  for (const mount of MOUNTS) {
    const path = own.split("/").filter(Boolean);
    for (;; path.pop()) {
      const room = groupRoom([root + mount, ...path].join("/"));
      if (room !== undefined) yield room;
      if (path.length === 0) break;
    }
  }
}

function groupRoom(directory: string): MemoryRoom | undefined {
  const limit = Number(read(`${directory}/memory.max`));
  const used = Number(read(`${directory}/memory.current`));
  // "max" is no number: there is no limit.
  if (!(limit > 0) || !(used >= 0)) return undefined;
  // Files that nobody has used lately are given up when memory is short.
  const files = Number(/^inactive_file (\d+)$/m.exec(read(`${directory}/memory.stat`) ?? "")?.[1] ?? 0);
  return { limit, left: Math.max(0, limit - used + files), of: "cgroup" };
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // Not there, or not for this process to see.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
