// Which site do the servers serve that are compared? The same files and settings for mpmd, Apache httpd (mpm_event) and nginx (two workers), on
// loopback, plain or with the same ECDSA certificate.

import { fromFileUrl, join } from "@std/path";
import { Authority } from "../server/development/certificates.ts";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, type Result, type Scenario } from "./wrk.ts";

export const HELLO: Uint8Array = new TextEncoder().encode("Hello, World!\n");
export const TEN: Uint8Array = new TextEncoder().encode("0123456789".repeat(1000));
export const MEGABYTE: Uint8Array = new Uint8Array(1 << 20);

/** What is served, and how. */
export interface SiteOptions {
  /** By path: "/small.txt". */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Over TLS, and HTTP/2 too. */
  readonly tls?: "http/1.1" | "h2";
}

/** A folder with the files and configurations; gone with its disposal. */
export class Site implements AsyncDisposable {
  private constructor(
    readonly root: string,
    /** mpmd, httpd, nginx, and over TLS Deno.serve, which has the files in memory. */
    readonly peers: readonly Peer[],
  ) {}

  static async make({ files, tls }: SiteOptions): Promise<Site> {
    const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
    // Started by root, httpd and nginx read as another user.
    await Deno.chmod(root, 0o755);
    for (const dir of ["htdocs", "logs", "nginx"]) await Deno.mkdir(join(root, dir));
    for (const [path, bytes] of Object.entries(files)) {
      await Deno.writeFile(join(root, "htdocs", path), bytes);
    }
    if (tls === undefined) return new Site(root, await plainPeers(root));
    return new Site(root, await securePeers(root, tls));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

async function written(root: string, name: string, text: string): Promise<string> {
  const file = join(root, name);
  await Deno.writeTextFile(file, text);
  return file;
}

/** The text that mpmd and httpd both read. */
function common(root: string, listen: string, name: string, more: string): string {
  return `
ServerName localhost
Listen 127.0.0.1:${listen}
DocumentRoot "${root}/htdocs"
KeepAlive On
MaxKeepAliveRequests 0
PidFile "${root}/logs/${name}.pid"
ErrorLog "${root}/logs/${name}.error"
${more}`;
}

async function threePeers(
  root: string,
  scheme: "http" | "https",
  modules: readonly string[],
  more: string,
  nginx: { readonly http: string; readonly listen: string },
): Promise<Peer[]> {
  const [own, httpd, third] = Array.from({ length: 3 }, freePort);
  const loads = ["mpm_event", "authz_core", "mime", ...modules].map((name) =>
    `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
  );
  const listen = (port: number) => scheme === "https" ? `${port} https` : String(port);
  const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));
  const ownFile = await written(root, "mpmd.conf", common(root, listen(own), "mpmd", more));
  const httpdFile = await written(
    root,
    "apache.conf",
    [
      `ServerRoot "${root}"`,
      ...loads,
      "TypesConfig /etc/mime.types",
      common(root, listen(httpd), "apache", more),
    ].join("\n"),
  );
  const nginxFile = await written(
    root,
    "nginx.conf",
    `
daemon off; worker_processes 2; pid ${root}/logs/nginx.pid; error_log ${root}/logs/nginx.error;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; keepalive_requests 100000000; types { text/plain txt; }
  client_body_temp_path ${root}/nginx; proxy_temp_path ${root}/nginx; fastcgi_temp_path ${root}/nginx;
  uwsgi_temp_path ${root}/nginx; scgi_temp_path ${root}/nginx;
  ${nginx.http}
  server { listen 127.0.0.1:${third}${nginx.listen}; root ${root}/htdocs; }
}`,
  );
  return [
    {
      name: "mpmd event",
      port: own,
      command: Deno.execPath(),
      args: ["run", "-A", entry, "-f", ownFile, "-d", root],
    },
    { name: "httpd event", port: httpd, command: "apache2", args: ["-f", httpdFile, "-DFOREGROUND"] },
    { name: "nginx", port: third, command: "nginx", args: ["-c", nginxFile] },
  ];
}

function plainPeers(root: string): Promise<Peer[]> {
  return threePeers(root, "http", [], "", { http: "", listen: "" });
}

async function securePeers(root: string, protocol: "http/1.1" | "h2"): Promise<Peer[]> {
  const authority = await Authority.create("mpmd bench");
  const { certificate, key } = await authority.issue({
    commonName: "localhost",
    names: ["localhost", "127.0.0.1"],
  });
  const pem = await written(root, "site.pem", certificate);
  const keyFile = await written(root, "site.key", key);
  const h2 = protocol === "h2";
  const three = await threePeers(
    root,
    "https",
    h2 ? ["ssl", "http2"] : ["ssl"],
    `SSLEngine on
SSLCertificateFile "${pem}"
SSLCertificateKeyFile "${keyFile}"
${h2 ? "Protocols h2 http/1.1" : ""}
`,
    {
      http: `ssl_certificate ${pem}; ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.2 TLSv1.3;`,
      listen: h2 ? " ssl http2" : " ssl",
    },
  );
  const port = freePort();
  const handler = await written(
    root,
    "serve.ts",
    `
const files = new Map<string, Uint8Array<ArrayBuffer>>();
for (const { name } of Deno.readDirSync("${root}/htdocs")) files.set("/" + name, Deno.readFileSync("${root}/htdocs/" + name));
const cert = Deno.readTextFileSync("${pem}");
const key = Deno.readTextFileSync("${keyFile}");
Deno.serve({ hostname: "127.0.0.1", port: ${port}, cert, key }, (request) => {
  return new Response(files.get(new URL(request.url).pathname), { headers: { "content-type": "text/plain" } });
});`,
  );
  const serve: Peer = {
    name: "Deno.serve",
    port,
    command: Deno.execPath(),
    args: ["run", "-A", "--no-check", handler],
  };
  const secured = { authority: authority.issued.certificate };
  return [...three, serve].map((peer) => ({ ...peer, secured }));
}

/** Prints a table: requests a second by the medians of `rounds`, mpmd's ratio to each, and processor time per request. */
export async function printRates(
  peers: readonly Peer[],
  scenarios: readonly Scenario[],
  rounds: number,
  seconds: number,
  client: string,
): Promise<void> {
  console.log(
    `medians of ${rounds} rounds of ${seconds} s, ${client}; in parentheses: mpmd against it; processor time per request\n`,
  );
  // Compilers learn what is called often: nobody is measured cold.
  for (const peer of peers) await measure(peer, scenarios[0], 1);
  console.log(`| | ${peers.map(({ name }) => name).join(" | ")} |\n| --- |${" --- |".repeat(peers.length)}`);
  for (const scenario of scenarios) {
    const results: Result[][] = peers.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, peer] of peers.entries()) results[i].push(await measure(peer, scenario, seconds));
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
