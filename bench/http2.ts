// How fast is HTTP/2, beside others? `deno task bench:http2` runs the same site over TLS, with the same ECDSA certificate, on mpmd, Apache
// httpd (mpm_event, mod_http2), nginx (two workers) and Deno.serve in turns, on loopback, and prints medians and ratios. It needs
// apache2, nginx and h2load on the PATH.

import { fromFileUrl, join } from "@std/path";
import { Authority } from "../server/development/certificates.ts";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, type Result, type Scenario, withPeers } from "./wrk.ts";

const HELLO = new TextEncoder().encode("Hello, World!\n");
const TEN = new TextEncoder().encode("0123456789".repeat(1000));
const LARGE = new TextEncoder().encode("0123456789".repeat(10_000));
const SIZES = [["14 bytes", "/small.txt", HELLO], ["10 kB", "/10k.txt", TEN], [
  "100 kB",
  "/100k.txt",
  LARGE,
]] as const;
const SCENARIOS: readonly Scenario[] = SIZES.map(([name, path, answer]) => ({
  name: `${name}, h2load -c16 -m32`,
  path,
  connections: 16,
  streams: 32,
  answer,
}));
const ROUNDS = 3;
const SECONDS = 1;
const [OWN, HTTPD, NGINX, SERVE] = Array.from({ length: 4 }, freePort);

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));
const authority = await Authority.create("mpmd bench");

async function site(): Promise<Peer[]> {
  // Started by root, httpd and nginx read as another user.
  await Deno.chmod(root, 0o755);
  for (const dir of ["htdocs", "logs", "nginx"]) await Deno.mkdir(join(root, dir));
  for (const [, path, bytes] of SIZES) await Deno.writeFile(join(root, "htdocs", path), bytes);
  const { certificate, key } = await authority.issue({
    commonName: "localhost",
    names: ["localhost", "127.0.0.1"],
  });
  const [pem, keyFile] = [join(root, "site.pem"), join(root, "site.key")];
  await Deno.writeTextFile(pem, certificate);
  await Deno.writeTextFile(keyFile, key);
  const common = (port: number, name: string) => `
ServerName localhost
Listen 127.0.0.1:${port} https
Protocols h2 http/1.1
DocumentRoot "${root}/htdocs"
KeepAlive On
MaxKeepAliveRequests 0
PidFile "${root}/logs/${name}.pid"
ErrorLog "${root}/logs/${name}.error"
SSLEngine on
SSLCertificateFile "${pem}"
SSLCertificateKeyFile "${keyFile}"
`;
  const modules = ["mpm_event", "authz_core", "mime", "ssl", "http2"].map((name) =>
    `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
  );
  const [apache, own, nginx, handler] = ["apache.conf", "mpmd.conf", "nginx.conf", "serve.ts"].map((name) =>
    join(root, name)
  );
  await Deno.writeTextFile(
    apache,
    [`ServerRoot "${root}"`, ...modules, "TypesConfig /etc/mime.types", common(HTTPD, "apache")].join("\n"),
  );
  await Deno.writeTextFile(own, common(OWN, "mpmd"));
  await Deno.writeTextFile(
    nginx,
    `
daemon off; worker_processes 2; pid ${root}/logs/nginx.pid; error_log ${root}/logs/nginx.error;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; keepalive_requests 100000000; types { text/plain txt; }
  client_body_temp_path ${root}/nginx; proxy_temp_path ${root}/nginx; fastcgi_temp_path ${root}/nginx;
  uwsgi_temp_path ${root}/nginx; scgi_temp_path ${root}/nginx;
  ssl_certificate ${pem}; ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.2 TLSv1.3;
  server { listen 127.0.0.1:${NGINX} ssl http2; root ${root}/htdocs; }
}`,
  );
  await Deno.writeTextFile(
    handler,
    `
const files = new Map<string, Uint8Array<ArrayBuffer>>();
for (const { name } of Deno.readDirSync("${root}/htdocs")) files.set("/" + name, Deno.readFileSync("${root}/htdocs/" + name));
const cert = Deno.readTextFileSync("${pem}");
const key = Deno.readTextFileSync("${keyFile}");
Deno.serve({ hostname: "127.0.0.1", port: ${SERVE}, cert, key }, (request) => {
  return new Response(files.get(new URL(request.url).pathname), { headers: { "content-type": "text/plain" } });
});`,
  );
  const secured = { authority: authority.issued.certificate };
  const deno = Deno.execPath();
  return [
    {
      name: "mpmd event",
      port: OWN,
      command: deno,
      args: ["run", "-A", entry, "-f", own, "-d", root],
      secured,
    },
    { name: "httpd event", port: HTTPD, command: "apache2", args: ["-f", apache, "-DFOREGROUND"], secured },
    { name: "nginx", port: NGINX, command: "nginx", args: ["-c", nginx], secured },
    { name: "Deno.serve", port: SERVE, command: deno, args: ["run", "-A", "--no-check", handler], secured },
  ];
}

const peers = await site();
try {
  await withPeers(peers, "/small.txt", compare);
} finally {
  await Deno.remove(root, { recursive: true });
}

async function compare(): Promise<void> {
  console.log(
    `medians of ${ROUNDS} rounds of ${SECONDS} s, h2load, TLS 1.3; in parentheses: mpmd against it; processor time per request\n`,
  );
  for (const peer of peers) await measure(peer, SCENARIOS[0], 1);
  console.log(`| | ${peers.map(({ name }) => name).join(" | ")} |\n| --- |${" --- |".repeat(peers.length)}`);
  for (const scenario of SCENARIOS) {
    const results: Result[][] = peers.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, peer] of peers.entries()) results[i].push(await measure(peer, scenario, SECONDS));
    }
    const rates = results.map((all) => median(all.map(({ rate }) => rate)));
    const works = results.map((all) => median(all.map(({ work }) => work)));
    const cells = rates.map((rate, i) => {
      const ratio = i === 0 ? "" : ` (${(rates[0] / rate).toFixed(2)})`;
      return `${Math.round(rate).toLocaleString("en")}/s${ratio}, ${works[i].toFixed(0)} us`;
    });
    console.log(`| ${scenario.name} | ${cells.join(" | ")} |`);
  }
}
