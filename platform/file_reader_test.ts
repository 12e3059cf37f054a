import { assert, assertEquals } from "@std/assert";
import * as posix from "./posix.ts";

const ignore = Deno.build.os === "windows"; // there is no C library of this kind

Deno.test({
  name: "what is in memory is read at once; what is not comes with fetch()",
  ignore,
  async fn() {
    posix.openLibc();
    const path = await Deno.makeTempFile();
    const size = 3_000_000;
    await Deno.writeFile(path, Uint8Array.from({ length: size }, (_, i) => i % 251));
    const fd = posix.openForReading(path);
    assert(fd >= 0);
    const reader = posix.threadFileReader();
    try {
      for (const offset of [0, 1, 1_500_000, size - 10]) {
        await reader.fetch(fd, size, offset);
        const n = reader.read(fd, 100_000, offset);
        assertEquals(n, Math.min(100_000, size - offset));
        for (let i = 0; i < n; i += 997) assertEquals(reader.buffer[i], (offset + i) % 251);
      }
      assertEquals(reader.read(fd, 10, size), 0);
      assertEquals(reader.read(fd, size, 0), reader.buffer.length);
    } finally {
      posix.close(fd);
      await Deno.remove(path);
    }
    // EBADF. (The number of what was closed may be another file's by now.)
    assertEquals([reader.read(-1, 10, 0), reader.readWaiting(-1, 10, 0)], [-9, -9]);
  },
});
