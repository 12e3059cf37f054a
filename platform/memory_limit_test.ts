// Is the least of all limits found, and what is left of it?

import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { memoryRoom } from "./memory_limit.ts";

const MB = 1 << 20;
const MEMINFO = "MemTotal:        1048576 kB\nMemFree:          1024 kB\nMemAvailable:     524288 kB\n";

function roomIn(files: Readonly<Record<string, string>>) {
  const root = Deno.makeTempDirSync() + "/";
  try {
    for (const [name, text] of Object.entries(files)) {
      Deno.mkdirSync(dirname(root + name), { recursive: true });
      Deno.writeTextFileSync(root + name, text);
    }
    return memoryRoom(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("memory: without control groups it is the machine's; without a system that says, unknown", () => {
  assertEquals(roomIn({ "proc/meminfo": MEMINFO }), { limit: 1024 * MB, left: 512 * MB, of: "machine" });
  assertEquals(roomIn({}), undefined);
});

Deno.test("memory: a group's limit holds for those below; files that can be given up are left", () => {
  const group = {
    "proc/meminfo": MEMINFO,
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/memory.max": `${256 * MB}\n`,
    "sys/fs/cgroup/a/memory.current": `${200 * MB}\n`,
    "sys/fs/cgroup/a/memory.stat": `anon 5\ninactive_file ${20 * MB}\nactive_file 7\n`,
    "sys/fs/cgroup/a/b/memory.max": "max\n",
    "sys/fs/cgroup/a/b/memory.current": `${200 * MB}\n`,
  };
  assertEquals(roomIn(group), { limit: 256 * MB, left: 76 * MB, of: "cgroup" });
  assertEquals(roomIn({ ...group, "sys/fs/cgroup/a/memory.max": `${9 * 2 ** 40}` })?.of, "machine");
});

Deno.test({ name: "memory: this machine says how much it has", ignore: Deno.build.os !== "linux" }, () => {
  const room = memoryRoom()!;
  assert(room.limit >= room.left && room.left > 0);
});
