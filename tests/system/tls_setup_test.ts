// Do configurations that people have work as they are, and is HTTPS there in one step? Mozilla's generator, Debian's default-ssl, --https,
// and sessions that are resumed whatever child answers.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { childrenOf, runCommand, TestServer, until } from "./harness.ts";
import { CA, EVENT, startTls, TLS_FILES, TlsClient } from "./tls_support.ts";

const unix = Deno.build.os !== "windows";

/** Intermediate, as ssl-config.mozilla.org makes it for httpd 2.4; its ports are those of the test. */
const MOZILLA = `LoadModule mpm_event_module modules/x.so
Listen 127.0.0.1:@PORT@ https
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
<VirtualHost *:@PORT@>
    SSLEngine on
    # enable HTTP/2, if available
    Protocols h2 http/1.1
    SSLCertificateFile      conf/site.pem
    SSLCertificateKeyFile   conf/site.key
    # HTTP Strict Transport Security (mod_headers is required) (63072000 seconds)
    Header always set Strict-Transport-Security "max-age=63072000"
</VirtualHost>
# intermediate configuration
SSLProtocol             -all +TLSv1.2 +TLSv1.3
SSLOpenSSLConfCmd       Curves X25519:prime256v1:secp384r1
SSLCipherSuite          ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305
SSLHonorCipherOrder     off
SSLSessionTickets       off
SSLUseStapling On
SSLStaplingCache "shmcb:logs/ssl_stapling(32768)"
`;

/** What Debian says in mods-available/ssl.conf and sites-available/default-ssl.conf, without comments. */
const DEBIAN = `LoadModule mpm_event_module modules/x.so
Listen 127.0.0.1:@PORT@ https
ServerName test.example
Define APACHE_RUN_DIR @ROOT@/logs
Define APACHE_LOG_DIR @ROOT@/logs
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
SSLRandomSeed startup builtin
SSLRandomSeed startup file:/dev/urandom 512
SSLRandomSeed connect builtin
SSLRandomSeed connect file:/dev/urandom 512
AddType application/x-x509-ca-cert .crt
AddType application/x-pkcs7-crl .crl
SSLPassPhraseDialog  exec:/usr/share/apache2/ask-for-passphrase
SSLSessionCache shmcb:\${APACHE_RUN_DIR}/ssl_scache(512000)
SSLSessionCacheTimeout  300
SSLCipherSuite HIGH:!aNULL
SSLProtocol all -SSLv3
SSLSessionTickets off
<VirtualHost *:@PORT@>
	ServerAdmin webmaster@localhost
	DocumentRoot @ROOT@/htdocs
	ErrorLog \${APACHE_LOG_DIR}/error.log
	CustomLog \${APACHE_LOG_DIR}/access.log combined
	SSLEngine on
	SSLCertificateFile      @ROOT@/conf/site.pem
	SSLCertificateKeyFile   @ROOT@/conf/site.key
	<FilesMatch "\\.(?:cgi|shtml|phtml|php)$">
		SSLOptions +StdEnvVars
	</FilesMatch>
	<Directory /usr/lib/cgi-bin>
		SSLOptions +StdEnvVars
	</Directory>
</VirtualHost>
`;

/** The port says it. */
const BY_PORT = MOZILLA.replace("SSLEngine on", "");

for (
  const [name, config] of [["Mozilla's generator", MOZILLA], [
    "a port for https, without SSLEngine,",
    BY_PORT,
  ], ["Debian's default-ssl", DEBIAN]]
) {
  Deno.test({
    name: `TLS: a configuration of ${name} works`,
    ignore: !unix,
    async fn() {
      await using server = await TestServer.start({ config, files: TLS_FILES });
      const client = await TlsClient.open(server.port);
      const { status, head, body } = await client.get();
      assertEquals([status, body], [200, TLS_FILES["htdocs/index.html"]]);
      if (config === MOZILLA) assertMatch(head, /^strict-transport-security: max-age=63072000\r$/im);
      client.close();
    },
  });
}

Deno.test({
  name: "TLS: sessions are resumed by another child, and by those after a graceful restart",
  ignore: !unix,
  async fn() {
    await using server = await startTls(EVENT, 'CustomLog logs/resumed "%{SSL_SESSION_RESUMED}x %P"');
    // Each request is a connection of its own, and the client keeps its tickets.
    using client = Deno.createHttpClient({ caCerts: [CA], poolMaxIdlePerHost: 0 });
    const get = async () => {
      const response = await fetch(`https://localhost:${server.port}/`, { client });
      assertEquals(await response.text(), TLS_FILES["htdocs/index.html"]);
    };
    const lines = () => server.log("logs/resumed").trim().split("\n").filter((line) => line !== "");
    for (let i = 0; i < 6; i++) await get();
    await until("six lines", () => lines().length === 6);
    assertEquals(lines().map((line) => line.split(" ")[0]), ["Initial", ...Array(5).fill("Resumed")]);
    const before = server.children();
    await server.restartGracefully();
    await until("other children", () => server.children().every((pid) => !before.includes(pid)));
    await get();
    await until("the seventh line", () => lines().length === 7);
    const [resumed, pid] = lines()[6].split(" ");
    assertEquals(resumed, "Resumed");
    assert(!before.includes(Number(pid)));
  },
});

Deno.test({
  name: "TLS: children need not be able to read private keys",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn() {
    await using server = await startTls(EVENT, "", "User nobody\nGroup nogroup", {}, 0o755);
    // Written by the test, as root, and closed to everybody else; so a restart has to read it, too.
    await Deno.chmod(server.path("conf/site.key"), 0o600);
    await server.restartGracefully();
    await until("the restart", () => server.log("logs/error_log").includes("AH00493"));
    const client = await TlsClient.open(server.port);
    assertEquals((await client.get()).status, 200);
    client.close();
    const [child] = childrenOf(server.pid);
    assertMatch(Deno.readTextFileSync(`/proc/${child}/status`), /^Uid:\t(?!0\t)/m);
  },
});

Deno.test({
  name: "--https: a certificate for localhost of an authority of the user's own, made once",
  ignore: !unix,
  async fn() {
    const setup = {
      files: { "app.ts": "export default { fetch: (r: Request) => new Response(r.url) };", ...TLS_FILES },
      args: ["--https", "--listen", "127.0.0.1:@PORT@", "@ROOT@/app.ts"],
    };
    const data = await Deno.makeTempDir();
    let kept = "";
    for (let start = 0; start < 2; start++) {
      await using server = await TestServer.start({ ...setup, env: { XDG_DATA_HOME: data } });
      const authority = await Deno.readTextFile(`${data}/mpmd/https/authority.pem`);
      using client = Deno.createHttpClient({ caCerts: [authority] });
      const url = `https://localhost:${server.port}/here`;
      assertEquals(await (await fetch(url, { client })).text(), url);
      await until("what is said of trust", () => server.stderr.includes("to have it trusted"));
      if (start === 0) kept = authority;
      assertEquals(authority, kept);
    }
    const { mode } = await Deno.stat(`${data}/mpmd/https/authority.key`);
    assertEquals((mode ?? 0) & 0o777, 0o600);
    await Deno.remove(data, { recursive: true });
    const { code, stderr } = await runCommand(["--https", "-t"]);
    assertEquals(code, 1);
    assertMatch(stderr, /--https is for a start without a configuration/);
  },
});
