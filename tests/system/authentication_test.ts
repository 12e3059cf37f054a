// Who is let in by name and password? What Debian's apache2 2.4.71 said to the same requests of the same places, under the same names; what
// its htpasswd has written; many users at once, each of whom gets what is for that one; and the commands that write such files.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { ENTRY, TestServer, until } from "./harness.ts";
import { MODELS } from "./models.ts";

const unix = Deno.build.os !== "windows";

/** Written by httpd's htpasswd; the password of everybody is "secret". */
const USERS = `# users
bob:$apr1$UGPSAmsk$IT0wjxtxp7fEAvRHDUKrq1
bea:$2y$05$SV/K4ZI5zixwnXB2khw.aOL2z47/Krf97vQT4l473aDaOfoT68/py
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
plain:secret
`;
/** Forms that only crypt(3) knows. */
const CRYPT = `des:BVCpj6ywfP/0U
five:$6$C/xTblD7a5.P1e8F$hEP4doFT6NoPrRtGd1Yz7SIoPZxi0C.w.uuFtlMmdN0BZ2mqfmsxm2B8yEROCSmoejA/1mBtfN7Uf.W8JC.EA0
`;
const digest = (user: string) => createHash("md5").update(`${user}:private:secret`).digest("hex");

const BASIC = `AuthType Basic\nAuthName x\nAuthUserFile conf/users\n`;
/** Places, what stands in them, and what httpd answers to nobody, bob:secret, bob:bad, nobody:x and bea:secret. */
const PLACES: Readonly<Record<string, readonly [config: string, statuses: string]>> = {
  any: [`${BASIC}Require valid-user`, "401 200 401 401 200"],
  unset: ["Require valid-user", "500 500 500 500 500"],
  unnamed: ["AuthType Basic\nRequire valid-user", "500 500 500 500 500"],
  group: [`${BASIC}AuthGroupFile conf/groups\nRequire group admins`, "401 200 401 401 401"],
  not: [
    `${BASIC}<RequireAll>\nRequire all granted\nRequire not user bob\n</RequireAll>`,
    "200 200 200 200 200",
  ],
  missing: [`${BASIC}AuthUserFile conf/none\nRequire valid-user`, "401 500 500 500 500"],
  lenient: [`${BASIC}AuthBasicAuthoritative Off\nRequire valid-user`, "401 200 401 500 200"],
  digest: ["AuthType Digest\nAuthName x\nRequire valid-user", "401 401 401 401 401"],
  expr: [`${BASIC}Require expr "%{REMOTE_USER} == 'bob'"`, "401 200 401 401 401"],
  either: [`${BASIC}Require ip 10.0.0.0/8\nRequire user bob`, "401 200 401 401 401"],
  satisfy: [
    `${BASIC}Order deny,allow\nDeny from all\nRequire user bob\nSatisfy any`,
    "401 200 401 401 401",
  ],
  forbidden: [`${BASIC}AuthzSendForbiddenOnFailure On\nRequire user ann`, "401 403 401 401 403"],
  none: ["AuthType None\nRequire all denied", "403 403 403 403 403"],
};
const CLIENTS = ["", "bob:secret", "bob:bad", "nobody:x", "bea:secret"];

function basic(credentials: string): HeadersInit {
  return credentials === "" ? {} : { authorization: `Basic ${btoa(credentials)}` };
}

const files = (more: Readonly<Record<string, string>> = {}) => ({
  "htdocs/index.html": "the page\n",
  "conf/users": USERS,
  "conf/groups": "admins: bob ann\nothers: bea\n",
  ...more,
});

const config = (places: string, pool = "") =>
  `Listen 127.0.0.1:@PORT@
ServerName x.test
DocumentRoot "@ROOT@/htdocs"
LogLevel info
LogFormat "%>s %u %U" x
CustomLog logs/access_log x
<Directory "@ROOT@/htdocs">
  Require all granted
  AllowOverride AuthConfig
</Directory>
Alias /any "@ROOT@/htdocs"
${places}
${pool}`;

const location = (path: string, text: string) => `<Location /${path}>\n${text}\n</Location>\n`;
/** Locations below which everything is the page. */
const aliases = (names: readonly string[]) =>
  names.map((name) => `Alias /${name} "@ROOT@/htdocs"`).join("\n");

Deno.test({
  name:
    "authentication: as httpd, place by place; who was believed is in the log, and why not in the error log",
  ignore: !unix,
  async fn() {
    const names = Object.keys(PLACES);
    await using server = await TestServer.start({
      config: config(
        aliases(names) + "\n" + names.map((name) => location(name, PLACES[name][0])).join(""),
      ),
      files: files(),
    });
    for (let round = 0; round < 2; round++) {
      for (const name of names) {
        const found: number[] = [];
        for (const client of CLIENTS) {
          const response = await fetch(server.url(`/${name}/`), { headers: basic(client) });
          found.push(response.status);
          const text = await response.text();
          if (response.status === 200) assertEquals(text, "the page\n");
          const challenge = response.headers.get("www-authenticate");
          if (response.status !== 401) assertEquals(challenge, null);
          else if (name === "digest") {
            assertMatch(challenge!, /^Digest realm="x", nonce="[^"]+", algorithm=MD5, qop="auth"$/);
          } else assertEquals(challenge, 'Basic realm="x"');
        }
        assertEquals(`${name}: ${found.join(" ")}`, `${name}: ${PLACES[name][1]}`);
      }
    }
    const refused = await fetch(server.url("/any/"), { headers: { authorization: "Bearer x" } });
    assertEquals([refused.status, (await refused.text()).includes("Unauthorized")], [401, true]);
    assertEquals(
      await (await fetch(server.url("/any/"), { headers: basic("sha:secret") })).text(),
      "the page\n",
    );
    const plain = await fetch(server.url("/any/"), { headers: basic("plain:secret") });
    await plain.body?.cancel();
    // httpd says 401 too, with nothing in the log; here it is said that nobody can come in by that line.
    assert(plain.status === 500 || plain.status === 401);
    await until("the log", () => server.log("logs/access_log").includes("sha"));
    const lines = new Set(server.log("logs/access_log").split("\n"));
    for (
      const line of [
        "200 bob /any/",
        "401 bob /any/",
        "401 nobody /any/",
        "200 - /not/",
        "403 bob /forbidden/",
      ]
    ) {
      assert([...lines].some((known) => known.startsWith(line)), `${line} of ${[...lines].join("\n")}`);
    }
    const log = server.log("logs/error_log");
    for (
      const text of [
        "AH00027: No authentication done but request not allowed without authentication for /unset/",
        "AH01614: client used wrong authentication scheme: /any/",
        "AH01615: need AuthName: /unnamed/",
        'AH01617: user bob: authentication failure for "/any/": Password Mismatch',
        "AH01618: user nobody not found: /any/",
        "AH01620: Could not open password file: ",
        "AH01629: authorization failure (no authenticated user): /expr/",
        'AH01631: user bea: authorization failure for "/group/": ',
        "AH01781: client used wrong authentication scheme `Basic': /digest/",
        "AH01796: AuthType Basic configured without corresponding module",
      ]
    ) assert(log.includes(text), `${text} in ${log}`);
    // Passwords are nobody's business.
    assert(!log.includes("secret"));
  },
});

Deno.test({
  name: "authentication: what only the system's crypt(3) knows is compared by it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await TestServer.start({
      config: config(location("any", `${BASIC}Require valid-user`)),
      files: files({ "conf/users": USERS + CRYPT }),
    });
    for (
      const [client, status] of [["des:secret", 200], ["five:secret", 200], ["five:Secret", 401], [
        "des:x",
        401,
      ]]
    ) {
      const response = await fetch(server.url("/any/"), { headers: basic(String(client)) });
      await response.body?.cancel();
      assertEquals([client, response.status], [client, status]);
    }
  },
});

for (const model of MODELS) {
  Deno.test({
    name: `authentication under ${model.name}: many users at once, each gets what is for that one`,
    ignore: !unix,
    async fn() {
      const names = ["bob", "bea", "sha"];
      await using server = await TestServer.start({
        config: `LoadModule ${model.module} modules/x.so\n` +
          config(
            names.map((name) =>
              `Alias /of-${name} "@ROOT@/${name}"\n` + location(`of-${name}`, `${BASIC}Require user ${name}`)
            ).join("") +
              `<Directory "@ROOT@">\nRequire all granted\n</Directory>`,
            model.four,
          ),
        files: files(Object.fromEntries(names.map((name) => [`${name}/a.txt`, `for ${name}\n`]))),
      });
      await Promise.all(Array.from({ length: 12 }, async (_, at) => {
        const name = names[at % names.length];
        for (let round = 0; round < 20; round++) {
          const of = names[(at + round) % names.length];
          const right = round % 5 !== 4;
          const credentials = btoa(`${name}:${right ? "secret" : "guess"}`);
          const text = await server.raw(
            `GET /of-${of}/a.txt HTTP/1.1\r\nHost: x.test\r\nAuthorization: Basic ${credentials}\r\nConnection: close\r\n\r\n`,
          );
          const status = Number(text.slice(9, 12));
          assertEquals(status, right && of === name ? 200 : 401);
          if (status === 200) assertEquals(text.split("\r\n\r\n")[1], `for ${name}\n`);
        }
      }));
    },
  });
}

/** What a client sends for HTTP Digest. */
function answerTo(
  challenge: string,
  user: string,
  password: string,
  uri: string,
  more: Record<string, string> = {},
) {
  const nonce = /nonce="([^"]*)"/.exec(challenge)![1];
  const realm = /realm="([^"]*)"/.exec(challenge)![1];
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");
  const fields = {
    username: user,
    realm,
    nonce,
    uri,
    cnonce: "abcdef",
    nc: "00000001",
    qop: "auth",
    ...more,
  };
  const response = md5(
    `${md5(`${user}:${realm}:${password}`)}:${fields.nonce}:${fields.nc}:${fields.cnonce}:auth:${
      md5(`GET:${uri}`)
    }`,
  );
  return "Digest " +
    Object.entries({ ...fields, response, ...more }).map(([name, value]) => `${name}="${value}"`).join(", ");
}

Deno.test({
  name:
    "authentication: HTTP Digest, over a graceful restart too; nonces that are old or not ours; Basic with the same file",
  ignore: !unix,
  async fn() {
    const more = "AuthUserFile conf/digest\nRequire valid-user";
    await using server = await TestServer.start({
      config: config(
        aliases(["d", "short", "same"]) + "\n" +
          location("d", `AuthType Digest\nAuthName private\nAuthDigestDomain /d/ /e/\n${more}`) +
          location("short", `AuthType Digest\nAuthName private\nAuthDigestNonceLifetime 1\n${more}`) +
          location("same", `AuthType Basic\nAuthName private\nAuthBasicUseDigestAlgorithm MD5\n${more}`),
      ),
      files: files({ "conf/digest": `bob:private:${digest("bob")}\n` }),
    });
    const ask = async (path: string, authorization?: string) => {
      const response = await fetch(server.url(path), {
        headers: authorization === undefined ? {} : { authorization },
      });
      await response.body?.cancel();
      return response;
    };
    const challenge = (await ask("/d/")).headers.get("www-authenticate")!;
    assertMatch(
      challenge,
      /^Digest realm="private", nonce="[^"]+", algorithm=MD5, domain="\/d\/ \/e\/", qop="auth"$/,
    );
    const right = await ask("/d/", answerTo(challenge, "bob", "secret", "/d/"));
    assertEquals(right.status, 200);
    assertMatch(
      right.headers.get("authentication-info")!,
      /^rspauth="[0-9a-f]{32}", cnonce="abcdef", nc=00000001, qop=auth$/,
    );
    const wrong: readonly (readonly [string, number, string])[] = [
      [answerTo(challenge, "bob", "bad", "/d/"), 401, "AH01794: user bob: password mismatch: /d/"],
      [
        answerTo(challenge, "eve", "secret", "/d/"),
        401,
        "AH01790: user `eve' in realm `private' not found: /d/",
      ],
      [answerTo(challenge, "bob", "secret", "/e/"), 400, "AH01786: uri mismatch - </e/>"],
      [answerTo(challenge, "bob", "secret", "/d/", { realm: "other" }), 401, "AH01788: realm mismatch"],
      [answerTo(challenge, "bob", "secret", "/d/", { nonce: "A".repeat(60) }), 401, "AH01777: invalid nonce"],
      [answerTo(challenge, "bob", "secret", "/d/", { qop: "" }), 401, "AH10560: invalid or missing qop"],
      ['Digest username="bob"', 401, "AH01782: missing user"],
    ];
    for (const [authorization, status, line] of wrong) {
      assertEquals((await ask("/d/", authorization)).status, status);
      await until(`${line} in the log`, () => server.log("logs/error_log").includes(line));
    }
    // An old nonce: the client is told that its password was right.
    const early = (await ask("/short/")).headers.get("www-authenticate")!;
    await until("the nonce to be too old", async () => {
      const later = await ask("/short/", answerTo(early, "bob", "secret", "/short/"));
      return later.status === 401 && later.headers.get("www-authenticate")!.includes("stale=true");
    });
    assertEquals((await ask("/same/", `Basic ${btoa("bob:secret")}`)).status, 200);
    assertEquals((await ask("/same/", `Basic ${btoa("bob:bad")}`)).status, 401);
    await server.restartGracefully();
    await until(
      "the new generation",
      () => /resuming normal operations[^]*resuming normal operations/.test(server.log("logs/error_log")),
    );
    assertEquals((await ask("/d/", answerTo(challenge, "bob", "secret", "/d/"))).status, 200);
  },
});

Deno.test({
  name:
    "authentication: .htaccess, changed files, guests, owners, another place behind a redirect, and an application",
  ignore: !unix,
  async fn() {
    const me = new TextDecoder().decode((await new Deno.Command("id", { args: ["-un"] }).output()).stdout)
      .trim();
    await using server = await TestServer.start({
      config: config(
        `Alias /own "@ROOT@/htdocs"
        ${
          location(
            "guests",
            "AuthType Basic\nAuthName x\nAuthBasicProvider anon file\nAnonymous guest\nAuthUserFile conf/users\nRequire valid-user",
          )
        }
        ${location("own", `${BASIC}AuthUserFile conf/owners\nRequire file-owner`)}
        ${
          location(
            "app",
            `Application app.ts\n${BASIC}Require valid-user\nRequestHeader set X-User expr=%{REMOTE_USER}\nAuthBasicFake %{REMOTE_USER}`,
          )
        }
        Alias /guests "@ROOT@/htdocs"
        Redirect 404 /gone
        ErrorDocument 404 /inner/page.html`,
      ),
      files: files({
        "htdocs/inner/.htaccess":
          `AuthType Basic\nAuthName "in here"\nAuthUserFile @ROOT@/conf/users\nRequire user bea\n`,
        "htdocs/inner/page.html": "for bea\n",
        "conf/owners": USERS.replace("bea:", `${me}:`),
        "app.ts": `export default { fetch: (request: Request) =>
          new Response(request.headers.get("x-user") + " " + atob(request.headers.get("authorization")!.slice(6))) };`,
      }),
    });
    const ask = async (path: string, credentials = "") => {
      const response = await fetch(server.url(path), { headers: basic(credentials) });
      return `${response.status} ${(await response.text()).slice(0, 60)}`.trim();
    };
    assertMatch(await ask("/inner/page.html"), /^401/);
    assertMatch(await ask("/inner/page.html", "bob:secret"), /^401/);
    assertEquals(await ask("/inner/page.html", "bea:secret"), "200 for bea");
    // The document of the error is in a place of its own, where bob is nobody.
    assertMatch(await ask("/gone", "bob:secret"), /^404 <!DOCTYPE/);
    assertEquals(await ask("/gone", "bea:secret"), "404 for bea");
    assertEquals(await ask("/guests/", "guest:me@x.test"), "200 the page");
    assertMatch(await ask("/guests/", "guest:"), /^401/);
    assertEquals(await ask("/guests/", "bob:secret"), "200 the page");
    assertEquals(await ask("/own/", `${me}:secret`), "200 the page");
    assertMatch(await ask("/own/", "bob:secret"), /^401/);
    for (let round = 0; round < 3; round++) {
      assertMatch(await ask("/app/x"), /^401/);
      assertEquals(await ask("/app/x", "bob:secret"), "200 bob bob:password");
      assertEquals(await ask("/app/x", "bea:secret"), "200 bea bea:password");
    }
    // Who is taken out of the file is out, although the password was known.
    assertEquals(await ask("/app/x", "sha:secret"), "200 sha sha:password");
    Deno.writeTextFileSync(join(server.root, "conf/users"), USERS.replace(/^bob:.*$/m, ""));
    assertMatch(await ask("/app/x", "bob:secret"), /^401/);
    assertEquals(await ask("/app/x", "bea:secret"), "200 bea bea:password");
  },
});

/** Runs a command of the server's; what it reads is `input`. */
async function command(args: readonly string[], input = ""): Promise<[code: number, output: string]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ENTRY, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  return [code, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr)];
}

Deno.test("authentication: htpasswd and htdigest write what the server reads, and say what is wrong", async () => {
  const dir = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    const file = join(dir, "users");
    const steps:
      readonly (readonly [args: readonly string[], code: number, output: RegExp, input?: string])[] = [
        [["-b", file, "bob", "secret"], 1, /cannot use .*users.*use -c to create it/],
        [["-cbB", "-C", "4", file, "bob", "secret"], 0, /^Adding password for user bob/],
        [["-bm", file, "ann", "other"], 0, /^Adding password for user ann/],
        [["-i", file, "eve"], 0, /^Adding/, "typed\n"],
        [["-bs", file, "eve", "again"], 0, /^Updating password for user eve/],
        [["-vb", file, "bob", "secret"], 0, /^Password for user bob correct/],
        [["-vb", file, "ann", "other"], 0, /correct/],
        [["-vb", file, "eve", "again"], 0, /correct/],
        [["-vb", file, "bob", "other"], 3, /password verification failed/],
        [["-D", file, "eve"], 0, /^Deleting password for user eve/],
        [["-vb", file, "eve", "again"], 6, /user eve not found/],
        [["-nb", "x", "y"], 0, /^x:\$2y\$10\$/],
        [["-b", file, "a:b", "c"], 6, /illegal character/],
        [["-C", "3", "-nb", "x", "y"], 2, /from 4 to 17/],
        [["-Q"], 2, /^Usage:/],
      ];
    for (const [args, code, output, input] of steps) {
      const [found, text] = await command(["htpasswd", ...args], input);
      assertEquals([args.join(" "), found], [args.join(" "), code]);
      assertMatch(text, output);
    }
    assertEquals(Deno.readTextFileSync(file).split("\n").map((line) => line.split(":")[0]), [
      "bob",
      "ann",
      "",
    ]);
    const realms = join(dir, "realms");
    assertEquals((await command(["htdigest", "-c", realms, "private", "bob"], "secret\n"))[0], 0);
    assertEquals(Deno.readTextFileSync(realms), `bob:private:${digest("bob")}\n`);
    assertEquals((await command(["htdigest", realms]))[0], 1);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
