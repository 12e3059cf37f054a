// Does the server get its certificates by itself? Against an ACME server of the tests: the first certificate, the answers meanwhile,
// renewal, failures, and what is kept where.

import { assert, assertEquals, assertMatch } from "@std/assert";
import * as nodeTls from "node:tls";
import { AcmeServer } from "./acme_server.ts";
import { freePort, inTime, runCommand, TestServer, until } from "./harness.ts";
import { authority, CA } from "./tls_support.ts";

const unix = Deno.build.os !== "windows";

function config(acme: AcmeServer, secure: number, more: string): string {
  return `LoadModule mpm_event_module modules/x.so
Listen 127.0.0.1:@PORT@
Listen 127.0.0.1:${secure}
ServerName main.example
DocumentRoot "@ROOT@/htdocs"
LogLevel info
StartServers 1
ThreadsPerChild 2
MDCertificateAuthority ${acme.directory}
MDCertificateAgreement accepted
MDCACertificateFile conf/ca.pem
MDContactEmail admin@md.example
MDPortMap http:@PORT@ https:${secure}
MDRetryDelay 100ms
${more}
<VirtualHost 127.0.0.1:@PORT@>
  ServerName www.md.example
  ServerAlias md.example
  RewriteEngine on
  RewriteRule ^ https://www.md.example/ [R=301,L]
</VirtualHost>
<VirtualHost 127.0.0.1:${secure}>
  ServerName www.md.example
  ServerAlias md.example
  SSLEngine on
</VirtualHost>
<VirtualHost 127.0.0.1:${secure}>
  ServerName tls.example
  Protocols h2 http/1.1 acme-tls/1
  SSLEngine on
</VirtualHost>`;
}

const FILES = { "htdocs/index.html": "hello\n", "conf/ca.pem": CA };

/** What a client is shown that asks for `name`, and the status of its request. */
function look(
  port: number,
  name = "www.md.example",
): Promise<{ issuer: string; names: string; status: number; fields: string }> {
  return inTime(
    "an answer",
    new Promise((resolve, reject) => {
      const socket = nodeTls.connect(
        { host: "127.0.0.1", port, servername: name, rejectUnauthorized: false },
        () => socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`),
      );
      let text = "";
      const { promise, resolve: shown } = Promise.withResolvers<nodeTls.PeerCertificate>();
      socket.on("secureConnect", () => shown(socket.getPeerCertificate()));
      socket.on("data", (data: Uint8Array) => text += new TextDecoder().decode(data));
      socket.on("error", reject);
      socket.on("close", async () => {
        const { issuer, subjectaltname = "" } = await promise;
        resolve({
          issuer: String(issuer.CN),
          names: subjectaltname,
          status: Number(text.split(" ")[1]),
          fields: text,
        });
      });
    }),
  );
}

Deno.test({
  name: "md: a certificate is got, put in force without a lost request, and renewed; until then 503",
  ignore: !unix,
  async fn() {
    const [plain, secure] = [freePort(), freePort()];
    await using acme = await AcmeServer.start(authority, plain, secure);
    acme.behaviour.refusals = 2;
    // The first one is to be renewed at once: it has less than a third of its life left.
    Object.assign(acme.behaviour, { lifeMs: 3_600_000, ageMs: 3_000_000 });
    await using server = await TestServer.start({
      port: plain,
      config: config(
        acme,
        secure,
        'MDMessageCmd /bin/sh "@ROOT@/told"\n' +
          "MDPrivateKeys secp256r1\n<MDomainSet md.example>\n MDRequireHttps permanent\n MDMustStaple on\n</MDomainSet>\nMDomain tls.example",
      ),
      files: { ...FILES, "told": "#!/bin/sh\necho \"$1 $2\" >> '@ROOT@/logs/told'\n" },
    });
    const log = () => server.log("logs/error_log");
    const first = await look(secure);
    if (first.issuer !== "ACME tests") {
      assertEquals([first.issuer, first.status], ["Apache Managed Domain Fallback", 503]);
    }
    await until(
      "the first certificate",
      () => acme.orders.length >= 1 && /AH10068.*md\.example: staged set activated/.test(log()),
    );
    Object.assign(acme.behaviour, { lifeMs: 90 * 24 * 3_600_000, ageMs: 0 });
    await until("the renewed one", () => log().match(/AH10068: md\.example/g)!.length >= 2);
    const renewed = await until("it in force", async () => {
      const { issuer, names, status, fields } = await look(secure);
      return issuer === "ACME tests" && status === 200 ? { names, fields } : undefined;
    });
    const byTls = await until("the certificate of the other", async () => {
      const { issuer, names } = await look(secure, "tls.example");
      return issuer === "ACME tests" ? names : undefined;
    });
    assertEquals(byTls, "DNS:tls.example");
    assertEquals(renewed.names, "DNS:md.example, DNS:www.md.example");
    assertMatch(renewed.fields, /^Strict-Transport-Security: max-age=15768000\r$/m);
    assertMatch(log(), /AH10056: processing md\.example: too many certificates for today/);
    assertMatch(log(), /AH10057: md\.example: encountered error for the [12]\. time/);
    assertMatch(log(), /AH10059: The Managed Domain md\.example has been setup/);
    assertEquals(acme.contacts, [["mailto:admin@md.example"]]);
    assert(acme.mustStaple >= 2);
    const told = server.log("logs/told");
    assertMatch(told, /^renewed md\.example$/m);
    // A request that is not encrypted is led to https before any rule is asked, but for what an authority asks.
    const plainly = (path: string) =>
      server.raw(`GET ${path} HTTP/1.1\r\nHost: md.example\r\nConnection: close\r\n\r\n`);
    assertMatch(
      await plainly("/a%20b?c"),
      /^HTTP\/1\.1 301 [^]*^Location: https:\/\/md\.example\/a%20b\?c\r$/m,
    );
    assertMatch(await plainly("/.well-known/acme-challenge/nothing"), /^HTTP\/1\.1 404 /);
    // What is kept: in force, before it, the account; keys are for the owner alone.
    const domain = server.path("md/domains/md.example");
    assertEquals([...Deno.readDirSync(domain)].map(({ name }) => name).sort(), [
      "job.json",
      "md.json",
      "privkey.secp256r1.pem",
      "pubcert.secp256r1.pem",
    ]);
    assertEquals(Deno.statSync(`${domain}/privkey.secp256r1.pem`).mode! & 0o777, 0o600);
    assertEquals(JSON.parse(Deno.readTextFileSync(`${domain}/md.json`)).domains, [
      "md.example",
      "www.md.example",
    ]);
    assert([...Deno.readDirSync(server.path("md/archive"))].length >= 2);
    assertEquals([...Deno.readDirSync(server.path("md/staging"))], []);
    assertEquals([...Deno.readDirSync(server.path("md/challenges"))], []);
    const [account] = [...Deno.readDirSync(server.path("md/accounts"))];
    assertMatch(account.name, /^ACME-localhost-\d+-0000$/);
    assertMatch(server.log(`md/accounts/${account.name}/account.pem`), /^-----BEGIN ENCRYPTED PRIVATE KEY/);
  },
});

Deno.test({
  name: "md: what contradicts itself is refused, what is of no use warned about; -t needs no certificate",
  ignore: !unix,
  async fn() {
    await using acme = await AcmeServer.start(authority, 1, 1);
    const root = await Deno.makeTempDir();
    await Deno.mkdir(`${root}/conf`);
    await Deno.mkdir(`${root}/htdocs`);
    await Deno.writeTextFile(`${root}/conf/ca.pem`, CA);
    const check = async (more: string) => {
      const text = config(acme, 8443, more).replaceAll("@ROOT@", root).replaceAll("@PORT@", "8080");
      await Deno.writeTextFile(`${root}/conf/httpd.conf`, text);
      return await runCommand(["-d", root, "-t"]);
    };
    const [fine, ...wrong] = await Promise.all(
      ["MDomain md.example\nMDomain tls.example\nMDomain other.example"].map(check),
    );
    assertEquals([fine.code, wrong.length], [0, 0], fine.stderr);
    assertMatch(fine.stderr, /AH10045: No VirtualHost matches Managed Domain other\.example/);
    for (
      const [more, message] of [
        [
          "MDomain md.example\nMDomain md.example",
          /AH10038: two Managed Domains have an overlap in domain 'md\.example'/,
        ],
        [
          "MDomain md.example\nMDomain www.md.example",
          /AH10042: conflict: 2 MDs match to SSL VirtualHost www\.md\.example/,
        ],
      ] as const
    ) {
      const { code, stderr } = await check(more);
      assertEquals(code, 1);
      assertMatch(stderr, message);
    }
    await Deno.remove(root, { recursive: true });
  },
});
