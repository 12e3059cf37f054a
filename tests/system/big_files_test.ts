// Do files come whole that are too big for one send, by every way in which they are sent, in memory or not? Real servers and files.

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { MODELS, start } from "./models.ts";
import { freePort, TestServer } from "./harness.ts";

const SIZE = 12_000_000;

/** Content by which every byte's place can be told. */
function content(): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(SIZE / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761);
  return new Uint8Array(words.buffer);
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Takes the file out of the system's cache, where the system can. */
async function forget(path: string): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const command = `sync "$0" && dd if="$0" iflag=nocache count=0`;
  const { success } = await new Deno.Command("sh", { args: ["-c", command, path], stderr: "null" }).output();
  assert(success);
}

async function body(
  server: TestServer,
  headers: Record<string, string> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(`http://127.0.0.1:${server.port}/big.bin`, { headers });
  return new Uint8Array(await response.arrayBuffer());
}

async function check(server: TestServer): Promise<void> {
  const file = join(server.root, "htdocs/big.bin");
  const bytes = content();
  await Deno.writeFile(file, bytes);
  const whole = await digest(bytes);
  await forget(file);
  const cold = await Promise.all([1, 2, 3].map(() => body(server).then(digest)));
  assertEquals(cold, [whole, whole, whole]);
  assertEquals(await digest(await body(server)), whole);
  await forget(file);
  const part = await body(server, { range: "bytes=1000001-11000000" });
  assertEquals(await digest(part), await digest(bytes.subarray(1_000_001, 11_000_001)));
}

const WAYS = MODELS.filter(({ name, relayed }) =>
  relayed ? name === "mpm_netware" : name === "event" || name === "worker"
);

for (const model of WAYS) {
  Deno.test(`${model.name}${model.relayed ? ", relayed" : ""}: files that are not in memory come whole, several at a time, and in part`, async () => {
    await using server = await start(model);
    await check(server);
  });
}

Deno.test("EnableSendfile On: the same", async () => {
  await using server = await TestServer.start({
    port: freePort(),
    config: `Listen 127.0.0.1:@PORT@\nServerName t\nDocumentRoot "@ROOT@/htdocs"\nEnableSendfile On\n`,
    files: { "htdocs/index.html": "<p>welcome</p>\n" },
  });
  await check(server);
});
