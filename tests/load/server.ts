// Which server are loads tried on? One with files, an application and the status page, under any of the models.

import { fromFileUrl, join } from "@std/path";
import { TestServer } from "../system/harness.ts";
import type { Model } from "../system/models.ts";
import { CA, site } from "../system/tls_support.ts";
import { type LoadOptions, VerifiedLoad } from "./client.ts";
import { type Http2LoadOptions, VerifiedHttp2Load } from "./http2_client.ts";
import { LOAD_DIRECTIVES, loadFiles, loadTargets } from "./targets.ts";

const APPLICATION = fromFileUrl(new URL("./application.ts", import.meta.url));
const files = loadFiles();

/** Where each connection takes a slot, there is room for as many as there are clients, and a few more. */
const CLIENTS = 12;
const POOLS: Readonly<Record<string, string>> = {
  prefork: "StartServers 4\nMinSpareServers 2\nMaxSpareServers 16\nMaxRequestWorkers 16\n",
  worker: "StartServers 2\nThreadsPerChild 8\nMaxRequestWorkers 16\nMinSpareThreads 8\nMaxSpareThreads 16\n",
  event: "StartServers 2\nThreadsPerChild 2\nMaxRequestWorkers 64\n",
  mpm_winnt: "ThreadsPerChild 16\n",
  mpm_netware: "StartThreads 4\nMaxThreads 16\nMinSpareThreads 2\nMaxSpareThreads 16\n",
  mpmt_os2: "StartServers 2\nMinSpareThreads 4\nMaxSpareThreads 8\n",
};

/** The model's name, and whether its connections are relayed. */
export function nameOf({ name, relayed }: Model): string {
  return `${name}${relayed === true ? ", relayed" : ""}`;
}

/** Starts the server; `more` are further directives. */
export async function startLoadServer({ name, module, relayed }: Model, more = ""): Promise<TestServer> {
  const server = await TestServer.start({
    config: `
LoadModule ${module} modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
Protocols h2 h2c http/1.1
${LOAD_DIRECTIVES}
<Location "/app/">
  Application "${APPLICATION}"
</Location>
${POOLS[name]}${relayed === true ? "DescriptorPassing Off\n" : ""}${more}`,
    files: {
      "htdocs/index.html": "<p>welcome</p>\n",
      "conf/site.pem": site.certificate,
      "conf/site.key": site.key,
    },
  });
  for (const [path, bytes] of Object.entries(files)) {
    await Deno.writeFile(join(server.root, "htdocs", path), bytes);
  }
  return server;
}

/** Directives for a host that has the same over TLS, at `port`. */
export function secureHost(port: number): string {
  return `Listen 127.0.0.1:${port} https
<VirtualHost 127.0.0.1:${port}>
  ServerName test.example
  SSLEngine on
  SSLCertificateFile conf/site.pem
  SSLCertificateKeyFile conf/site.key
</VirtualHost>
`;
}

/** Clients that ask `server` for everything there is. */
export function loadOn(
  server: TestServer,
  seed: number,
  options: Pick<LoadOptions, "pipeline" | "close" | "abort" | "mayClose"> = {},
): VerifiedLoad {
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
  return new VerifiedLoad({ connect, targets: loadTargets(files), connections: CLIENTS, seed, ...options });
}

/** Clients that ask `server` for everything there is over HTTP/2, in plain text, or over TLS at `securePort`. */
export function http2LoadOn(
  server: TestServer,
  seed: number,
  options: Pick<Http2LoadOptions, "streams" | "abort" | "close" | "mayClose"> = {},
  securePort?: number,
): VerifiedHttp2Load {
  const secure = () =>
    Deno.connectTls({
      hostname: "localhost",
      port: securePort!,
      caCerts: [CA],
      alpnProtocols: ["h2"],
    });
  const plain = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const connect = securePort === undefined ? plain : secure;
  return new VerifiedHttp2Load({
    connect,
    targets: loadTargets(files),
    connections: CLIENTS,
    seed,
    ...options,
  });
}
