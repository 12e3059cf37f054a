// How fast is the proxy, beside others? `deno task bench:proxy` has mpmd, Apache httpd (mpm_event) and nginx (two workers) ask the same backend,
// an mpmd of one thread, in turns, on loopback, and prints medians and ratios. It needs apache2, nginx and wrk on the PATH.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, type Result, type Scenario, withPeers } from "./wrk.ts";

const HELLO = new TextEncoder().encode("Hello, World!\n");
const TEN = new TextEncoder().encode("0123456789".repeat(1000));
const MEGABYTE = new Uint8Array(1 << 20);
const SCENARIOS: readonly Scenario[] = [
  { name: "14 bytes, keep-alive, c=64", path: "/small.txt", connections: 64, answer: HELLO },
  { name: "10 kB, keep-alive, c=64", path: "/10k.txt", connections: 64, answer: TEN },
  { name: "1 MB, keep-alive, c=16", path: "/1m.bin", connections: 16, answer: MEGABYTE },
];
const ROUNDS = Number(Deno.args[0] ?? 3);
const SECONDS = Number(Deno.args[1] ?? 2);
const [BACKEND, OWN, HTTPD, NGINX] = Array.from({ length: 4 }, freePort);

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));

/** The backend, and those that ask it. */
async function peers(): Promise<Peer[]> {
  // Started by root, httpd and nginx read as another user.
  await Deno.chmod(root, 0o755);
  for (const dir of ["htdocs", "logs", "nginx"]) await Deno.mkdir(join(root, dir));
  await Deno.writeFile(join(root, "htdocs/small.txt"), HELLO);
  await Deno.writeFile(join(root, "htdocs/10k.txt"), TEN);
  await Deno.writeFile(join(root, "htdocs/1m.bin"), MEGABYTE);
  const config = async (name: string, text: string): Promise<string> => {
    const file = join(root, name);
    await Deno.writeTextFile(file, text);
    return file;
  };
  const common = (port: number, name: string) =>
    `ServerName localhost\nListen 127.0.0.1:${port}\nMaxKeepAliveRequests 0\nErrorLog ${root}/logs/${name}.log\nPidFile ${root}/logs/${name}.pid\n`;
  const mapping = `ProxyPass / http://127.0.0.1:${BACKEND}/\n`;
  const backend = await config(
    "backend.conf",
    `${
      common(BACKEND, "backend")
    }DocumentRoot ${root}/htdocs\n<Directory ${root}/htdocs>\nRequire all granted\n</Directory>\nStartServers 1\nServerLimit 1\nThreadsPerChild 1\nThreadLimit 1\nMaxRequestWorkers 256\nRequestsPerThread 256\n`,
  );
  const own = await config("own.conf", common(OWN, "own") + mapping);
  const modules = ["mpm_event", "authz_core", "proxy", "proxy_http"].map((name) =>
    `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`
  ).join("");
  const httpd = await config(
    "httpd.conf",
    `ServerRoot ${root}\n${modules}User www-data\nGroup www-data\n${common(HTTPD, "httpd")}${mapping}`,
  );
  const nginx = await config(
    "nginx.conf",
    `daemon off; worker_processes 2; pid ${root}/nginx/pid; error_log ${root}/logs/nginx.log;
events { worker_connections 1024; }
http { access_log off;
  upstream backend { server 127.0.0.1:${BACKEND}; keepalive 64; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${NGINX}; keepalive_requests 1000000000;
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  );
  const deno = (file: string) => ["run", "-A", entry, "-f", file, "-d", root];
  return [
    { name: "mpmd backend", port: BACKEND, command: Deno.execPath(), args: deno(backend) },
    { name: "mpmd", port: OWN, command: Deno.execPath(), args: deno(own) },
    { name: "httpd", port: HTTPD, command: "apache2", args: ["-f", httpd, "-DFOREGROUND"] },
    { name: "nginx", port: NGINX, command: "nginx", args: ["-c", nginx] },
  ];
}

const all = await peers();
try {
  await withPeers(all, "/small.txt", async () => {
    for (const scenario of SCENARIOS) {
      const results = new Map<Peer, Result[]>();
      // What has just been started is not as fast yet.
      for (const peer of all) await measure(peer, scenario, 1);
      for (let round = 0; round < ROUNDS; round++) {
        for (const peer of all) {
          results.set(peer, [...results.get(peer) ?? [], await measure(peer, scenario, SECONDS)]);
        }
      }
      const rate = (name: string) =>
        median(results.get(all.find((peer) => peer.name === name)!)!.map((result) => result.rate));
      console.log(scenario.name);
      for (const peer of all) {
        const each = results.get(peer)!;
        const figure = (of: (result: Result) => number) => Math.round(median(each.map(of)));
        console.log(
          `  ${peer.name.padEnd(13)} ${figure(({ rate }) => rate)}/s  p50 ${
            figure(({ p50 }) => p50)
          } us  p99 ${figure(({ p99 }) => p99)} us  processor ${figure(({ work }) => work)} us`,
        );
      }
      const ratio = (of: string) => (rate("mpmd") / rate(of)).toFixed(2);
      console.log(`  mpmd is ${ratio("httpd")} of httpd, ${ratio("nginx")} of nginx`);
    }
  });
} finally {
  await Deno.remove(root, { recursive: true });
}
