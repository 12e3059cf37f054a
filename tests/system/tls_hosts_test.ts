// Which certificate does a client see, which hosts may it ask for, and who may come in? Names in handshakes, client certificates,
// refusals, slow and broken handshakes, and what -t says of a configuration.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "@std/path";
import { inTime, runCommand, TestServer, until } from "./harness.ts";
import {
  authority,
  EVENT,
  nodeRequest,
  startTls,
  TLS_FILES,
  TLS_MODELS,
  TlsClient,
  tlsConfig,
} from "./tls_support.ts";
import { Authority } from "../../server/development/certificates.ts";

const unix = Deno.build.os !== "windows";
const other = await authority.issue({ commonName: "other.example", names: ["other.example"] });
const rsa = await authority.issue({ commonName: "test.example", names: ["test.example"], kind: "RSA" });
const CERTIFICATES = { "conf/other.pem": other.certificate, "conf/other.key": other.key };

/** Another host on the same address. */
const secondHost = (more: string) =>
  `<VirtualHost 127.0.0.1:@PORT@>
  ServerName other.example
  DocumentRoot "@ROOT@/other"
  SSLEngine on
  SSLCertificateFile conf/other.pem
  SSLCertificateKeyFile conf/other.key
  ${more}
</VirtualHost>
`;

/** A host behind the first one. */
function twoHosts(more = "", first = "") {
  return startTls(EVENT, `${first}\n</VirtualHost>\n${secondHost(more)}<VirtualHost 127.0.0.2:1>`, "", {
    ...CERTIFICATES,
    "other/index.html": "the other\n",
  });
}

Deno.test({
  name:
    "TLS hosts: the name in the handshake decides for certificate and host; a name that is not here means the first",
  ignore: !unix,
  async fn() {
    await using server = await twoHosts();
    const seen = async (servername: string | undefined, host: string) => {
      const { text, subject } = await nodeRequest(server.port, {
        servername,
        rejectUnauthorized: false,
      }, host);
      return [subject, text.split("\r\n\r\n")[1]];
    };
    assertEquals(await seen("other.example", "other.example"), ["other.example", "the other\n"]);
    assertEquals(await seen("test.example", "test.example"), [
      "test.example",
      TLS_FILES["htdocs/index.html"],
    ]);
    assertEquals((await seen("nobody.example", "nobody.example"))[0], "test.example");
  },
});

Deno.test({
  name: "TLS hosts: a connection that was agreed on for one host is not good for another with other settings",
  ignore: !unix,
  async fn() {
    await using server = await twoHosts();
    const client = await TlsClient.open(server.port);
    assertEquals((await client.get("/", "test.example")).status, 200);
    assertEquals((await client.get("/", "other.example")).status, 421);
    client.close();
    await until("the log", () => server.log("logs/error_log").includes("AH02032"));
  },
});

Deno.test({
  name: "TLS hosts: nor for an application of the other that has been asked for the same before",
  ignore: !unix,
  async fn() {
    const app = `export default { fetch: () => new Response("the application\\n") }`;
    const config = tlsConfig(
      EVENT,
      `</VirtualHost>
      ${
        secondHost(
          "Application app.ts\nSSLVerifyClient require\nSSLCACertificateFile conf/clients.pem\n" +
            "<Location />\nSSLRequireSSL\n</Location>",
        )
      }
      <VirtualHost 127.0.0.2:1>`,
      "",
      "ThreadsPerChild 1\nStartServers 1",
    );
    const clients = await Authority.create("clients");
    const files = {
      ...TLS_FILES,
      ...CERTIFICATES,
      "conf/clients.pem": clients.issued.certificate,
      "app.ts": app,
    };
    await using server = await TestServer.start({ config, files });
    const good = await clients.issue({ commonName: "Somebody", client: true });
    const known = { servername: "other.example", cert: good.certificate, key: good.key };
    for (let round = 0; round < 3; round++) {
      assertMatch((await nodeRequest(server.port, known, "other.example")).text, /the application/);
      const asked = { servername: "test.example" };
      assertMatch((await nodeRequest(server.port, asked, "other.example")).text, /^HTTP\/1\.1 421 /);
    }
  },
});

Deno.test({
  name: "TLS hosts: client certificates are asked for, verified, and known to conditions",
  ignore: !unix,
  async fn() {
    const clients = await Authority.create("clients");
    const good = await clients.issue({ commonName: "Somebody", client: true });
    const foreign = await authority.issue({ commonName: "Stranger", client: true });
    await using server = await startTls(
      EVENT,
      `SSLVerifyClient optional
      SSLCACertificateFile conf/clients.pem
      Header set X-Who "expr=%{SSL_CLIENT_S_DN_CN}/%{SSL_CLIENT_VERIFY}/%{HTTPS}"
      <Location "/">
        Require ssl-verify-client
      </Location>`,
      "",
      { "conf/clients.pem": clients.issued.certificate },
    );
    const options = { servername: "test.example" };
    const known = await nodeRequest(server.port, { ...options, cert: good.certificate, key: good.key });
    assertMatch(known.text, /^HTTP\/1\.1 200 /);
    assertMatch(known.text, /X-Who: Somebody\/SUCCESS\/on/i);
    assertMatch((await nodeRequest(server.port, options)).text, /^HTTP\/1\.1 403 /);
    const stranger = await nodeRequest(server.port, {
      ...options,
      cert: foreign.certificate,
      key: foreign.key,
    });
    assertEquals(stranger.text, "");
    // The control: without one there is no way in where one is required.
    assert(
      (await nodeRequest(server.port, { ...options, cert: good.certificate, key: good.key })).text !== "",
    );
  },
});

Deno.test({
  name: "TLS hosts: without the certificate that is required there is no request",
  ignore: !unix,
  async fn() {
    await using server = await twoHosts("SSLVerifyClient require\nSSLCACertificateFile conf/other.pem");
    const none = await nodeRequest(server.port, { servername: "other.example" }, "other.example");
    assertEquals(none.text, "");
    // Neither through the first host, nor without a name.
    const asked = { servername: "test.example" };
    assertMatch((await nodeRequest(server.port, asked, "other.example")).text, /^HTTP\/1\.1 421 /);
    const unnamed = { servername: "", rejectUnauthorized: false };
    assertMatch((await nodeRequest(server.port, unnamed, "other.example")).text, /^HTTP\/1\.1 421 /);
    assertMatch((await nodeRequest(server.port, asked)).text, /^HTTP\/1\.1 200 /);
  },
});

Deno.test({
  name: "TLS hosts: versions and suites are those that are configured; RSA and ECDSA side by side",
  ignore: !unix,
  async fn() {
    await using server = await startTls(
      EVENT,
      `SSLCertificateFile conf/rsa.pem
      SSLCertificateKeyFile conf/rsa.key
      SSLProtocol -all +TLSv1.2
      SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256`,
      "",
      { "conf/rsa.pem": rsa.certificate, "conf/rsa.key": rsa.key },
    );
    const options = { servername: "test.example" };
    assertEquals((await nodeRequest(server.port, options)).protocol, "TLSv1.2");
    const late = await nodeRequest(server.port, { ...options, minVersion: "TLSv1.3" });
    assertEquals(late.text, "");
    await until(
      "the log",
      () => server.log("logs/access_log").includes("TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"),
    );
  },
});

/** The first message of a client. */
async function clientHello(): Promise<Uint8Array<ArrayBuffer>> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const tls = await Deno.startTls(tcp, { hostname: "test.example" });
  const failed = tls.handshake().catch(() => {});
  const peer = await listener.accept();
  const buffer = new Uint8Array(8192);
  const n = await peer.read(buffer);
  peer.close();
  await failed;
  return buffer.slice(0, n!);
}

for (const model of TLS_MODELS.filter(({ name }) => ["event", "worker", "prefork"].includes(name))) {
  Deno.test({
    name: `TLS under ${model.name}: handshakes that end at any byte, or are none, cost nothing that lasts`,
    ignore: !unix,
    async fn() {
      await using server = await startTls(model, "", "RequestReadTimeout handshake=1");
      const hello = await clientHello();
      const open = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
      for (let end = 0; end <= hello.length; end += 4) {
        await Promise.all([0, 1, 2, 3].map(async (more) => {
          const connection = await open();
          await connection.write(hello.subarray(0, end + more));
          connection.close();
        }));
      }
      // One that arrives byte by byte is as good as another.
      const slow = await open();
      for (const byte of hello) await slow.write(Uint8Array.of(byte));
      const answer = new Uint8Array(4096);
      assert(await inTime("the server's part", slow.read(answer)) !== null);
      assertEquals(answer[0], 22);
      // A half, and rubbish: they come to an end. (Silence is held back by the kernel.)
      const bad = [hello.subarray(0, 100), new Uint8Array(300).fill(0x80)];
      await Promise.all(bad.map(async (bytes) => {
        const connection = await open();
        if (bytes.length > 0) await connection.write(bytes);
        const rest = async () => {
          while (await connection.read(new Uint8Array(1024)) !== null);
        };
        await inTime("the end of a bad handshake", rest().catch(() => {}));
        connection.close();
      }));
      slow.close();
      // All slots are free again.
      const clients = [];
      for (let i = 0; i < model.slots; i++) clients.push(await TlsClient.open(server.port));
      for (const client of clients) assertEquals((await client.get()).status, 200);
      for (const client of clients) client.close();
    },
  });
}

Deno.test({
  name: "TLS: a large body arrives, however its records are cut",
  ignore: !unix,
  async fn() {
    await using server = await startTls(
      EVENT,
      `<Location "/echo">
        Application "@ROOT@/app.ts"
      </Location>`,
      "",
      {
        "app.ts": `export default { async fetch(request: Request) {
          const body = await request.arrayBuffer();
          const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
          return new Response(request.url + " " + body.byteLength + " " + hash);
        } };`,
      },
    );
    const body = crypto.getRandomValues(new Uint8Array(60_000)).toHex().repeat(20);
    const bytes = new TextEncoder().encode(body);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    const client = await TlsClient.open(server.port);
    const head = `POST /echo/it HTTP/1.1\r\nHost: test.example\r\nContent-Length: ${bytes.length}\r\n\r\n`;
    await client.send(head + body);
    assertEquals((await client.response()).body, `https://test.example/echo/it ${bytes.length} ${hash}`);
    client.close();
  },
});

Deno.test({
  name: "TLS: what is wrong with certificates, keys and settings is said at the start, with its place",
  ignore: !unix,
  async fn() {
    const root = await Deno.makeTempDir();
    const files: Record<string, string> = { ...TLS_FILES, ...CERTIFICATES, "conf/empty.pem": "\n" };
    for (const [name, content] of Object.entries(files)) {
      await Deno.mkdir(dirname(`${root}/${name}`), { recursive: true });
      await Deno.writeTextFile(`${root}/${name}`, content);
    }
    const cases: readonly (readonly [from: string, to: string, message: RegExp])[] = [
      [
        "conf/site.key",
        "conf/other.key",
        /SSLCertificateKeyFile: the private key in '.*other\.key' is not that of/,
      ],
      [
        "conf/site.pem",
        "conf/none.pem",
        /SSLCertificateFile: file '.*none\.pem' does not exist, or is empty/,
      ],
      ["conf/site.pem", "conf/empty.pem", /'.*empty\.pem' has no certificate \(PEM\)/],
      ["SSLEngine on", "SSLEngine on\nSSLCipherSuite NONSENSE", /no cipher suite of 'NONSENSE/],
      ["SSLEngine on", "SSLEngine on\nSSLProtocol +SSLv3", /SSLv3 is no longer supported/],
      ["SSLEngine on", "SSLEngine on\nSSLVerifyClient require", /needs authorities/],
      [
        "SSLEngine on",
        "SSLEngine on\nSSLOpenSSLConfCmd Curves nonsense",
        /SSLOpenSSLConfCmd Curves nonsense/,
      ],
    ];
    for (const [from, to, message] of cases) {
      const text = tlsConfig(EVENT).replace(from, to).replaceAll("@ROOT@", root).replaceAll("@PORT@", "8443");
      await Deno.writeTextFile(`${root}/conf/httpd.conf`, text);
      const { code, stderr } = await runCommand(["-d", root, "-t"]);
      assertEquals(code, 1, `${to}: ${stderr}`);
      assertMatch(stderr, message);
      assertMatch(stderr, /Syntax error on line \d+ of .*httpd\.conf/);
    }
    const late = await authority.issue({
      commonName: "test.example",
      notAfter: new Date(Date.now() - 60_000),
    });
    await Deno.writeTextFile(`${root}/conf/site.pem`, late.certificate);
    await Deno.writeTextFile(`${root}/conf/site.key`, late.key);
    const text = tlsConfig(EVENT).replaceAll("@ROOT@", root).replaceAll("@PORT@", "8443");
    await Deno.writeTextFile(`${root}/conf/httpd.conf`, text);
    const { code, stderr } = await runCommand(["-d", root, "-t"]);
    assertEquals(code, 0);
    assertMatch(stderr, /WARNING: test\.example:8443: the server certificate has expired on/);
    await Deno.remove(root, { recursive: true });
  },
});
