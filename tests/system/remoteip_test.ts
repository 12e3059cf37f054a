// Does a server behind proxies know its clients? mod_remoteip: by a field of the request, and by the PROXY protocol.

import { assertEquals, assertMatch } from "@std/assert";
import { Connection, freePort, inTime, TestServer, until } from "./harness.ts";
import { config, MODELS } from "./models.ts";
import { CA, EVENT, TLS_FILES } from "./tls_support.ts";

const unix = Deno.build.os !== "windows";

/** Says in the head of each answer whom it is for. */
const TELLS = 'Header set X-Client "expr=%{REMOTE_ADDR} %{CONN_REMOTE_ADDR}"\n';

/** Whom the answer to `fields`, sent to `port`, is for; or its status. */
async function clientOf(port: number, fields: string, path = "/", before = ""): Promise<string> {
  const connection = await Connection.open(port);
  await connection.send(
    `${before}GET ${path} HTTP/1.1\r\nHost: test.example\r\n${fields}Connection: close\r\n\r\n`,
  );
  const answer = await connection.readAll();
  connection.close();
  return /^x-client: (.*)\r$/im.exec(answer)?.[1] ?? answer.slice(9, 12);
}

/** What Debian's apache2 2.4.71 makes of the field: client, what is left of it, and the proxies on the way. */
const FIELDS: readonly (readonly [field: string, logged: string])[] = [
  ["192.0.2.5", "192.0.2.5|-|127.0.0.1"],
  ["8.8.8.8, 10.1.1.1", "127.0.0.1|8.8.8.8, 10.1.1.1|-"],
  ["8.8.8.8, 198.51.100.7", "8.8.8.8|-|127.0.0.1, 198.51.100.7"],
  ["9.9.9.9, 8.8.8.8, 198.51.100.7", "8.8.8.8|9.9.9.9|127.0.0.1, 198.51.100.7"],
  ["10.0.0.9, 203.0.113.7, 198.51.100.8", "203.0.113.7|10.0.0.9|127.0.0.1, 198.51.100.8"],
  ["unknown , 8.8.8.8 ,198.51.100.8", "8.8.8.8|unknown |127.0.0.1, 198.51.100.8"],
  ["8.8.8.8:80", "127.0.0.1|8.8.8.8:80|-"],
  ["::ffff:8.8.8.8", "8.8.8.8|-|127.0.0.1"],
  ["fe80::1", "127.0.0.1|fe80::1|-"],
  ["8.8.8.8,", "127.0.0.1|8.8.8.8,|-"],
  ["9.9.9.9,, 198.51.100.8", "198.51.100.8|9.9.9.9,|127.0.0.1"],
  ["8.8.8.8, [2001:db8::1]", "127.0.0.1|8.8.8.8, [2001:db8::1]|-"],
];

Deno.test({ name: "remoteip: who trusted proxies say it is", ignore: !unix }, async () => {
  const port = freePort();
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@
Listen 127.0.0.1:${port}
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
StartServers 1
ThreadsPerChild 1
LogFormat "%a|%{X-Forwarded-For}i|%{remoteip-proxy-ip-list}n|%{X-Via}i" proxied
CustomLog logs/access_log proxied
${TELLS}
<Location /ours>
  Require ip 192.0.2.0/24
</Location>
<VirtualHost *:@PORT@>
  RemoteIPHeader X-Forwarded-For
  RemoteIPProxiesHeader X-Via
  RemoteIPTrustedProxyList conf/trusted
  RemoteIPInternalProxy 10.0.0.0/8 203.0.113.7
</VirtualHost>
<VirtualHost *:${port}>
  RemoteIPHeader X-Real
  RemoteIPInternalProxy localhost
  FallbackResource /index.html
</VirtualHost>`,
    files: {
      "htdocs/index.html": "index",
      "htdocs/ours/index.html": "ours",
      "conf/trusted": "# ours\n127.0.0.1   198.51.100.0/24 # and a comment\n",
    },
  });
  // Twice: the second answer is the kept one.
  for (const round of [1, 2]) {
    for (const [field] of FIELDS) await clientOf(server.port, `X-Forwarded-For: ${field}\r\n`);
    const lines = () => server.log("logs/access_log").split("\n").slice(0, -1);
    await until("the log", () => lines().length >= round * FIELDS.length);
    const expected = FIELDS.map(([, logged]) => `${logged}|${logged.split("|")[2]}`);
    assertEquals(lines().slice(-FIELDS.length), expected);
  }
  const ours = (field: string) => clientOf(server.port, field, "/ours/index.html");
  assertEquals(await ours("X-Forwarded-For: 192.0.2.5\r\n"), "192.0.2.5 127.0.0.1");
  assertEquals(await ours("X-Forwarded-For: 8.8.8.8\r\n"), "403");
  assertEquals(await ours(""), "403");
  // Redirected within the server, from an internal proxy, whose private clients are believed.
  assertEquals(await clientOf(port, "X-Real: 10.2.3.4\r\n", "/not/here"), "10.2.3.4 127.0.0.1");
});

/** Keep-alive connections of different clients, several requests each, the header in pieces. */
async function manyProxied(port: number, clients: number): Promise<void> {
  await Promise.all(Array.from({ length: clients }, async (_, i) => {
    const connection = await Connection.open(port);
    const header = `PROXY TCP4 192.0.2.${i} 198.51.100.1 ${1000 + i} 80\r\n`;
    const request = "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n";
    const cut = i % 4 === 0 ? undefined : i + 1;
    await connection.send((header + request).slice(0, cut));
    // Something else happens meanwhile, and what was sent arrives by itself.
    if (cut !== undefined) await clientOf(port, "", "/", "PROXY UNKNOWN\r\n");
    if (cut !== undefined) await connection.send((header + request).slice(cut));
    for (let round = 0; round < 3; round++) {
      if (round > 0) await connection.send(request);
      const { head } = await connection.response();
      assertMatch(head, new RegExp(`^x-client: 192\\.0\\.2\\.${i} 127\\.0\\.0\\.1\r$`, "im"));
    }
    connection.close();
  }));
}

const WAYS = MODELS.filter(({ name, relayed }) =>
  relayed ? name === "mpm_netware" : name === "event" || name === "worker"
);

for (const model of WAYS) {
  const name = `${model.name}${model.relayed ? ", relayed" : ""}`;
  Deno.test({ name: `remoteip, ${name}: the PROXY protocol`, ignore: !unix && !model.relayed }, async () => {
    const [plain, tls] = [freePort(), freePort()];
    const secured = model !== EVENT ? "" : `Listen 127.0.0.1:${tls} https
<VirtualHost 127.0.0.1:${tls}>
  RemoteIPProxyProtocol On
  SSLEngine on
  SSLCertificateFile conf/site.pem
  SSLCertificateKeyFile conf/site.key
</VirtualHost>`;
    const room = model.blocks ? "StartServers 1\nThreadsPerChild 6\n" : "StartServers 1\nThreadsPerChild 2\n";
    const pool = model.name === "mpm_netware"
      ? "StartThreads 6\nMaxThreads 6\nDescriptorPassing Off\n"
      : room;
    await using server = await TestServer.start({
      config: `${config(model, pool)}
Listen 127.0.0.1:${plain}
ErrorLog logs/error_log
LogFormat "%a %{remote}p %{c}a" proxied
CustomLog logs/clients proxied
${TELLS}
<VirtualHost *:@PORT@>
  RemoteIPProxyProtocol On
  RemoteIPHeader X-Forwarded-For
</VirtualHost>
<VirtualHost *:${plain}>
  RemoteIPProxyProtocol Off
</VirtualHost>
${secured}`,
      files: TLS_FILES,
    });
    const ask = (before: string, fields = "") => clientOf(server.port, fields, "/", before);
    assertEquals(await ask("PROXY TCP6 2001:DB8::1 ::1 4444 80\r\n"), "2001:db8::1 127.0.0.1");
    await until("the log", () => server.log("logs/clients").includes("2001:db8::1 4444 127.0.0.1\n"));
    assertEquals(await ask("PROXY UNKNOWN\r\n"), "127.0.0.1 127.0.0.1");
    assertEquals(
      await ask("PROXY TCP4 192.0.2.1 ::1 1 80\r\n", "X-Forwarded-For: 8.8.8.8\r\n"),
      "192.0.2.1 127.0.0.1",
    );
    const binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x21\x0a\0\0\x01\x15\xb3\0\x50";
    assertEquals(await ask(binary), "192.0.2.33 127.0.0.1");
    assertEquals(await clientOf(plain, ""), "127.0.0.1 127.0.0.1");
    // Who does not say it gets nothing.
    assertEquals(await ask(""), "");
    assertEquals(await ask("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"), "");
    await until(
      "the log",
      () => server.log("logs/error_log").includes("AH03499: RemoteIPProxyProtocol: unknown family"),
    );
    // A thread that keeps its connection waits with a client for the rest of its header.
    await manyProxied(server.port, model.blocks ? 4 : 40);
    if (model !== EVENT) return;
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: tls });
    await conn.write(new TextEncoder().encode("PROXY TCP4 192.0.2.77 198.51.100.1 1 443\r\n"));
    const secure = await Deno.startTls(conn, { hostname: "test.example", caCerts: [CA] });
    await secure.write(
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n"),
    );
    const answer = await inTime("an answer", new Response(secure.readable).text());
    assertMatch(answer, /^x-client: 192\.0\.2\.77 127\.0\.0\.1\r$/im);
  });
}
