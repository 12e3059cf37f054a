// May a request have what is in a place, as its client's certificate says? SSLVerifyClient in directories, SSLRequire, SSLUserName and
// FakeBasicAuth.

import { assertEquals, assertMatch } from "@std/assert";
import { Authority } from "../../server/development/certificates.ts";
import { EVENT, nodeRequest, startTls } from "./tls_support.ts";
import { until } from "./harness.ts";

const PLACES = `SSLVerifyClient optional
  SSLCACertificateFile conf/clients.pem
  LogFormat "%U %u %>s" users
  CustomLog logs/users_log users
  Alias /need "@ROOT@/htdocs"
  Alias /require "@ROOT@/htdocs"
  Alias /length "@ROOT@/htdocs"
  Alias /user "@ROOT@/htdocs"
  Alias /fake "@ROOT@/htdocs"
  Alias /named "@ROOT@/htdocs"
  Alias /any "@ROOT@/htdocs"
  Alias /strict "@ROOT@/htdocs"
  <Location /need>
    SSLVerifyClient require
  </Location>
  <Location /require>
    SSLRequire %{SSL_CLIENT_S_DN_CN} in {"Nobody", "Somebody"} and %{SSL_CIPHER_USEKEYSIZE} >= 128
  </Location>
  <Location /length>
    SSLRequire %{SSL_CIPHER_USEKEYSIZE} >= "99" and "b" lt "ab"
  </Location>
  <Location /user>
    SSLUserName SSL_CLIENT_S_DN_CN
    Require user Somebody
  </Location>
  <Location /fake>
    SSLOptions +FakeBasicAuth
    AuthType Basic
    AuthName certificates
    AuthUserFile conf/users
    Require valid-user
  </Location>
  <Location /named>
    SSLOptions +FakeBasicAuth
    SSLUserName SSL_CLIENT_S_DN_CN
    AuthType Basic
    AuthName certificates
    AuthUserFile conf/users
    Require user Somebody
  </Location>
  <Location /any>
    SSLRequire %{SSL_CLIENT_S_DN_CN} eq "Somebody"
    Require all granted
    Satisfy Any
  </Location>
  <Location /strict>
    SSLOptions +StrictRequire
    SSLRequire %{SSL_CLIENT_S_DN_CN} eq "Somebody"
    Require all granted
    Satisfy Any
  </Location>`;

Deno.test({
  name: "TLS access: certificates of clients decide, by expressions, as users, and where they are required",
  ignore: Deno.build.os === "windows",
  async fn() {
    const clients = await Authority.create("clients");
    const somebody = await clients.issue({ commonName: "Somebody", client: true });
    const other = await clients.issue({ commonName: "Other", client: true });
    // SHA-1 of "password".
    const hash = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
    await using server = await startTls(EVENT, PLACES, "", {
      "conf/clients.pem": clients.issued.certificate,
      "conf/users": `/CN=Somebody:${hash}\nSomebody:${hash}\n`,
    });
    const get = async (path: string, issued?: { certificate: string; key: string }, fields = "") => {
      const shown = issued && { cert: issued.certificate, key: issued.key };
      const { text, error } = await nodeRequest(
        server.port,
        { servername: "test.example", ...shown },
        "test.example",
        path,
        fields,
      );
      assertEquals(error, undefined);
      return Number(text.split(" ")[1]);
    };
    /** Statuses for no certificate, somebody's and the other's. */
    const statuses = async (path: string) => [
      await get(path),
      await get(path, somebody),
      await get(path, other),
      await get(path),
    ];
    const wanted: Readonly<Record<string, readonly number[]>> = {
      "/": [200, 200, 200, 200],
      "/need/": [403, 200, 200, 403],
      "/require/": [403, 200, 403, 403],
      "/length/": [200, 200, 200, 200],
      "/user/": [500, 200, 403, 500],
      "/fake/": [401, 200, 401, 401],
      "/named/": [401, 401, 401, 401],
      "/any/": [200, 200, 200, 200],
      "/strict/": [403, 200, 403, 403],
    };
    const found = await Promise.all(
      Object.keys(wanted).map(async (path) => [path, await statuses(path)] as const),
    );
    assertEquals(Object.fromEntries(found), wanted);
    const spoof = `Authorization: Basic ${btoa("/CN=Somebody:password")}\r\n`;
    assertEquals(await get("/fake/", undefined, spoof), 403);
    assertEquals(await get("/fake/", other, spoof), 403);
    await until("the logs", () => server.log("logs/users_log").split("\n").length > 38);
    const users = server.log("logs/users_log");
    assertMatch(users, /^\/user\/(?:index\.html)? Somebody 200$/m);
    assertMatch(users, /^\/fake\/(?:index\.html)? \/CN=Somebody 200$/m);
    const log = server.log("logs/error_log");
    assertMatch(log, /AH10158: cannot perform post-handshake authentication/);
    assertMatch(log, /AH02229: access to .* failed, reason: SSL requirement expression not fulfilled/);
    assertMatch(log, /AH02228: Failed expression: %\{SSL_CLIENT_S_DN_CN\} in/);
    assertMatch(log, /AH02035: Encountered FakeBasicAuth spoof: \/CN=Somebody/);
  },
});
