// What does ExtendedStatus cost? `deno task bench:status` runs the same site without and with it in turns, and takes from the
// server's own metrics how much CPU time of its children a request took. It needs wrk on the PATH.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, withPeers } from "./wrk.ts";

const ROUNDS = 7;
const SECONDS = 2;
const PATH = "/small.txt";
const HELLO = new TextEncoder().encode("Hello, World!\n");

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
await Deno.mkdir(join(root, "htdocs"));
await Deno.mkdir(join(root, "logs"));
await Deno.writeTextFile(join(root, "htdocs/small.txt"), "Hello, World!\n");
const peers: Peer[] = [];
for (const extended of ["Off", "On"]) {
  const port = freePort();
  const file = join(root, `${extended}.conf`);
  await Deno.writeTextFile(
    file,
    `
ServerName localhost
Listen 127.0.0.1:${port}
DocumentRoot "${root}/htdocs"
MaxKeepAliveRequests 0
PidFile none
ErrorLog "${root}/logs/error_log"
ExtendedStatus ${extended}
<Location /metrics>
    SetHandler server-metrics
</Location>
`,
  );
  const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));
  peers.push({
    name: `mpmd, ExtendedStatus ${extended}`,
    port,
    command: Deno.execPath(),
    args: ["run", "-A", entry, "-f", file, "-d", root],
  });
}

/** Sums of a metric's values over all labels that match. */
async function figures({ port }: Peer): Promise<{ requests: number; cpu: number }> {
  // Processes tell what they cost once a second.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const sum = (start: string) =>
    text.split("\n").filter((line) => line.startsWith(start)).reduce(
      (total, line) => total + Number(line.slice(line.lastIndexOf(" "))),
      0,
    );
  return {
    requests: sum("mpmd_requests_total"),
    cpu: sum('mpmd_process_cpu_seconds_total{process="child-'),
  };
}

const results = peers.map(() => ({ rate: [] as number[], micros: [] as number[] }));
try {
  await withPeers(peers, PATH, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, peer] of peers.entries()) {
        const before = await figures(peer);
        const { rate } = await measure(
          peer,
          { name: "", path: PATH, connections: 64, answer: HELLO },
          SECONDS,
        );
        const after = await figures(peer);
        results[i].rate.push(rate);
        results[i].micros.push((after.cpu - before.cpu) / (after.requests - before.requests) * 1e6);
      }
    }
  });
} finally {
  await Deno.remove(root, { recursive: true });
}

console.log(`medians of ${ROUNDS} rounds of ${SECONDS} s, 14 bytes, 64 keep-alive connections\n`);
console.log("| | requests/s | CPU time of the children per request |\n| --- | --- | --- |");
for (const [i, { rate, micros }] of results.entries()) {
  const requests = Math.round(median(rate)).toLocaleString("en");
  console.log(`| ${peers[i].name} | ${requests} | ${median(micros).toFixed(2)} us |`);
}
