// Does -k reach a server without signals, and only who may read its control file?

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { RemoteAction } from "../mpm/mod.ts";
import { controlFile, openRemoteControl, sendRemote } from "./remote_control.ts";

async function withServer(body: (file: string, heard: RemoteAction[]) => Promise<void>): Promise<string> {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const file = controlFile(join(root, "httpd.pid"));
  const heard: RemoteAction[] = [];
  const end = openRemoteControl(file, (action) => heard.push(action));
  try {
    await body(file, heard);
  } finally {
    end();
  }
  return root;
}

Deno.test("remote control: what is sent is carried out once, and the file goes away with the server", async () => {
  const root = await withServer(async (file, heard) => {
    assertEquals(await sendRemote(file, "graceful"), true);
    assertEquals(await sendRemote(file, "stop"), true);
    assertEquals(heard, ["graceful", "stop"]);
  });
  assertEquals([...Deno.readDirSync(root)], []);
  assertEquals(await sendRemote(controlFile(join(root, "httpd.pid")), "stop"), false);
  await Deno.remove(root, { recursive: true });
});

Deno.test("remote control: without the token, or with an unknown action, nothing happens", async () => {
  const root = await withServer(async (file, heard) => {
    const { port, token } = JSON.parse(await Deno.readTextFile(file));
    for (const text of ["stop\n", "guess stop\n", `${token} explode\n`, ""]) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode(text));
      await connection.closeWrite();
      assertEquals(await connection.read(new Uint8Array(8)), null);
    }
    assertEquals(heard, []);
  });
  await Deno.remove(root, { recursive: true });
});

Deno.test("remote control: a file that a killed server has left behind reaches nobody", async () => {
  const file = await Deno.makeTempFile({ prefix: "mpmd-test-" });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await Deno.writeTextFile(file, JSON.stringify({ port, token: "x" }));
  assertEquals(await sendRemote(file, "stop"), false);
  await Deno.remove(file);
});
