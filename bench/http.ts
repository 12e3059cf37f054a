// How fast is it, beside others? `deno task bench:http` runs the same site on mpmd, Apache httpd (mpm_event), nginx (two workers)
// and Deno.serve (from memory, and from files) in turns, on loopback, and prints medians and ratios. It needs apache2, nginx and wrk on the PATH.

import { join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { HELLO, MEGABYTE, Site, TEN } from "./site.ts";
import { measure, median, type Peer, type Result, type Scenario, withPeers } from "./wrk.ts";

interface Compared extends Scenario {
  /** Compare the median latency, not the throughput. */
  readonly latency?: boolean;
}

const SCENARIOS: readonly Compared[] = [
  { name: "14 bytes, keep-alive, c=64", path: "/small.txt", connections: 64, answer: HELLO },
  {
    name: "14 bytes, one request per connection",
    path: "/small.txt",
    connections: 64,
    close: true,
    answer: HELLO,
  },
  { name: "10 kB, keep-alive, c=64", path: "/10k.txt", connections: 64, answer: TEN },
  { name: "1 MB, keep-alive, c=16", path: "/1m.bin", connections: 16, answer: MEGABYTE },
  { name: "14 bytes, p50 at c=1", path: "/small.txt", connections: 1, latency: true, answer: HELLO },
  { name: "14 bytes, p50 at c=4", path: "/small.txt", connections: 4, latency: true, answer: HELLO },
];
const ROUNDS = 7;
const SECONDS = 1;

/** Two programs under deno serve: one has the files in memory, one opens them. */
async function denoPeers(root: string): Promise<Peer[]> {
  const handler = join(root, "serve.ts");
  await Deno.writeTextFile(
    handler,
    `
const files = new Map<string, Uint8Array>();
for (const { name } of Deno.readDirSync("${root}/htdocs")) files.set("/" + name, Deno.readFileSync("${root}/htdocs/" + name));
export default { fetch(request: Request) {
  const { pathname } = new URL(request.url);
  return new Response(files.get(pathname), { headers: { "content-type": "text/plain" } });
} };`,
  );
  // The same work: it looks at the file, and sends Last-Modified and ETag.
  const reader = join(root, "serve_files.ts");
  await Deno.writeTextFile(
    reader,
    `
export default { async fetch(request: Request) {
  const { pathname } = new URL(request.url);
  const file = await Deno.open("${root}/htdocs" + pathname);
  const { size, mtime } = await file.stat();
  const headers = {
    "content-type": "text/plain", "content-length": String(size), "last-modified": mtime!.toUTCString(),
    etag: \`"\${size.toString(16)}-\${mtime!.getTime().toString(16)}"\`,
  };
  return new Response(file.readable, { headers });
} };`,
  );
  return [denoServe("Deno.serve, from memory", handler), denoServe("Deno.serve, from files", reader)];
}

function denoServe(name: string, handler: string): Peer {
  const port = freePort();
  const args = ["serve", "-A", "--no-check", "--host", "127.0.0.1", "--port", String(port), handler];
  return { name, port, command: Deno.execPath(), args };
}

await using site = await Site.make({
  files: { "/small.txt": HELLO, "/10k.txt": TEN, "/1m.bin": MEGABYTE },
});
const peers = [...site.peers, ...await denoPeers(site.root)];
await withPeers(peers, "/small.txt", compare);

async function compare(): Promise<void> {
  console.log(
    `medians of ${ROUNDS} rounds of ${SECONDS} s, wrk -t1; in parentheses: mpmd against it (above 1 is better for mpmd)\n`,
  );
  // Compilers learn what is called often: nobody is measured cold.
  for (const peer of peers) for (const scenario of SCENARIOS) await measure(peer, scenario, 1);
  const header = (what: string) =>
    console.log(
      `| ${what} | ${peers.map(({ name }) => name).join(" | ")} |\n| --- |${" --- |".repeat(peers.length)}`,
    );
  const works: string[] = [];
  header("");
  for (const scenario of SCENARIOS) {
    const results: Result[][] = peers.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, peer] of peers.entries()) results[i].push(await measure(peer, scenario, SECONDS));
    }
    const medians = results.map((all) => median(all.map(({ p50, rate }) => scenario.latency ? p50 : rate)));
    const cells = medians.map((value, i) => {
      const ratio = scenario.latency ? value / medians[0] : medians[0] / value;
      const text = scenario.latency
        ? `${value.toFixed(0)} us`
        : `${Math.round(value).toLocaleString("en")}/s`;
      return i === 0 ? text : `${text} (${ratio.toFixed(2)})`;
    });
    console.log(`| ${scenario.name} | ${cells.join(" | ")} |`);
    if (scenario.latency) continue;
    const work = results.map((all) => median(all.map(({ work }) => work)));
    const compared = work.map((value, i) =>
      `${value.toFixed(1)} us${i === 0 ? "" : ` (${(value / work[0]).toFixed(2)})`}`
    );
    works.push(`| ${scenario.name} | ${compared.join(" | ")} |`);
  }
  console.log("");
  header("processor time of the server per request");
  for (const row of works) console.log(row);
}
