// Where do rules lead? mod_rewrite with a whole server, and httpd's answers to compare with.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCommand, TestServer } from "./harness.ts";
import { CASES, PLACES } from "./rewrite_cases.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const MAP = "# a map\none a.txt\ntwo\tsub/x.txt more\n";

function setup() {
  const files: Record<string, string> = {};
  let config = `Listen 127.0.0.1:@PORT@
StartServers 1
ThreadsPerChild 1
DirectoryIndex index.html index.php
`;
  for (const [at, { config: own = "", htaccess }] of CASES.entries()) {
    const root = `c${at}`;
    for (const place of PLACES) files[`${root}/htdocs/${place}`] = place;
    if (htaccess !== undefined) files[`${root}/htdocs/.htaccess`] = `${htaccess}\n`;
    files[`${root}/map.txt`] = MAP;
    config += `<VirtualHost *:@PORT@>
ServerName c${at}.example
DocumentRoot "@ROOT@/${root}/htdocs"
<Directory "@ROOT@/${root}/htdocs">
AllowOverride All
Require all granted
</Directory>
${own.replaceAll("@ROOT@", `@ROOT@/${root}`)}
</VirtualHost>
`;
  }
  return { config, files };
}

async function ask(server: TestServer, host: string, target: string, fields: string): Promise<string> {
  const more = fields === "" ? "" : `${fields}\r\n`;
  const text = await server.raw(
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`,
  );
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end + 2);
  const status = head.slice(9, 12);
  const field = (name: string) => new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
  const parts = [status, status === "200" ? text.slice(end + 4) : field("location"), field("set-cookie")];
  return parts.filter((part) => part !== undefined).join(" ").replaceAll(`:${server.port}`, "")
    .replaceAll(host, "HOST");
}

Deno.test({ name: "rewrite: what httpd answers", ignore: !unix }, async () => {
  await using server = await TestServer.start(setup());
  const different: string[] = [];
  for (const [at, { name, requests }] of CASES.entries()) {
    for (const [target, fields, expected] of requests) {
      // Twice: an answer that was kept has to be right too.
      for (let time = 0; time < 2; time++) {
        const answer = await ask(server, `c${at}.example`, target, fields);
        if (answer !== expected) different.push(`${name}: ${target} ${fields}: ${answer}, not ${expected}`);
      }
    }
  }
  assertEquals(different, []);
});

Deno.test("rewrite: what is wrong is said", async () => {
  const expected: readonly (readonly [string, string])[] = [
    ["RewriteRule ( /x", "does not compile"],
    ["RewriteRule x /x [Z]", "unknown flag 'Z'"],
    ["RewriteRule x /x L", "bad flag delimiters"],
    ["RewriteRule x /x [R=999]", "invalid HTTP response code"],
    ["RewriteCond %{LA-U:REMOTE_USER} x", "is not supported"],
    ["RewriteMap m dbm:/bin/true", "maps of type dbm are not supported"],
    ["RewriteMap m prg:/nowhere/program", "file for map m not found"],
    ["RewriteMap m prg:/bin/true www:www", "no program runs as www:www"],
    ["DenoPermissions read\nRewriteMap m prg:/bin/true", "needs DenoPermissions ffi"],
    ["RewriteMap m int:nothing", "internal map not found"],
    ["RewriteOptions Nothing", "unknown option"],
  ];
  const dir = await Deno.makeTempDir();
  try {
    for (const [line, message] of expected) {
      await Deno.writeTextFile(`${dir}/httpd.conf`, `Listen 127.0.0.1:8080\nServerName x\n${line}\n`);
      const { code, stderr } = await runCommand(["-t", "-d", dir, "-f", `${dir}/httpd.conf`]);
      assertEquals(code, 1, line);
      assertStringIncludes(stderr, message);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
