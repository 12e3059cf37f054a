// Where do paths lead? mod_alias, and what the names of files say of them (mod_mime), with a whole server.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCommand, TestServer } from "./harness.ts";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
Alias /icons/ "@ROOT@/icons/"
Alias /one.txt "@ROOT@/icons/a.txt"
Alias "/relative" icons
AliasMatch "^/users/([a-z]+)/(.*)$" "@ROOT@/home/$1/$2"
ScriptAlias /cgi-bin/ "@ROOT@/cgi/"
Redirect /gone-away http://other.example/base
Redirect permanent "/old path" /new
Redirect gone /removed
Redirect 307 /with-query http://other.example/x?y=1
RedirectMatch "^/(.*)\\.gif$" "http://img.example/$1.png?from=gif"
<Location /here>
  Redirect 303 "/there%{REQUEST_URI}"
</Location>
<Location /fixed>
  Alias "@ROOT@/icons/a.txt"
</Location>
<Directory "@ROOT@/htdocs/sub">
  AllowOverride FileInfo
</Directory>
<VirtualHost *:@PORT@>
  ServerName main.example
</VirtualHost>
<VirtualHost *:@PORT@>
  ServerName second.example
  DocumentRoot "@ROOT@/htdocs"
  Alias /icons/ "@ROOT@/home/joe/"
</VirtualHost>
`;

const FILES = {
  "htdocs/index.html": "the index",
  "icons/a.txt": "an icon",
  "home/joe/x.txt": "of joe",
  "cgi/script": "#!/bin/sh",
  "htdocs/sub/.htaccess": "Redirect /sub/here http://other.example/there\n",
  "htdocs/sub/x": "x",
};

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

function field(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
}

async function ask(server: TestServer, path: string, host = "main.example", more = "") {
  const text = await server.raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`);
  const split = text.indexOf("\r\n\r\n") + 4;
  return { status: Number(text.slice(9, 12)), head: text.slice(0, split), body: text.slice(split) };
}

Deno.test({ name: "alias: files elsewhere, by prefix, expression and place", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: FILES });
  const found = async (path: string, host?: string) => {
    const { status, body } = await ask(server, path, host);
    return status === 200 ? body : status;
  };
  assertEquals(await found("/icons/a.txt"), "an icon");
  assertEquals(await found("/icons//a.txt"), "an icon");
  // The prefix has a slash: without it nothing is meant.
  assertEquals(await found("/icons"), 404);
  assertEquals(await found("/one.txt"), "an icon");
  assertEquals(await found("/one.txt2"), 404);
  assertEquals(await found("/relative/a.txt"), "an icon");
  assertEquals(await found("/users/joe/x.txt"), "of joe");
  assertEquals(await found("/fixed/whatever"), "an icon");
  // Scripts are not shown.
  assertEquals(await found("/cgi-bin/script"), 500);
  assertEquals(await found("/icons/x.txt", "second.example"), "of joe");
  assertEquals(await found("/one.txt", "second.example"), "an icon");
});

Deno.test({ name: "alias: redirects", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: FILES });
  const led = async (path: string, host?: string) => {
    const { status, head } = await ask(server, path, host);
    return [status, field(head, "location")];
  };
  assertEquals(await led("/gone-away/x%20y?q=1"), [302, "http://other.example/base/x%20y?q=1"]);
  assertEquals(await led("/gone-awayx"), [404, undefined]);
  assertEquals(await led("/old%20path/x", "main.example:8888"), [301, "http://main.example:8888/new/x"]);
  assertEquals(await led("/removed/x"), [410, undefined]);
  assertEquals(await led("/with-query?z=2"), [307, "http://other.example/x?y=1"]);
  assertEquals(await led("/a%20b/c.gif"), [302, "http://img.example/a%20b/c.png?from=gif"]);
  assertEquals(await led("/here/x"), [303, "http://main.example/there/here/x"]);
  assertEquals(await led("/sub/here/x"), [302, "http://other.example/there/x"]);
  assertEquals(await led("/sub/x"), [200, undefined]);
  // A header field cannot be made by what the client writes.
  assertEquals(await led("/gone-away/%0d%0aX:y"), [302, "http://other.example/base/%0d%0aX:y"]);
});

Deno.test("alias: what is wrong is said", async () => {
  const expected: readonly (readonly [string, string])[] = [
    ["Redirect /a b", "Redirect to non-URL"],
    ["Redirect gone /a http://b/", "Redirect URL not valid for this status"],
    ["Redirect temp /a", "URL to redirect to is missing"],
    ["Redirect 302 /a http://b/ more", "Redirect takes 1 to 3 arguments"],
    ["Redirect 999 /a", "is no status"],
    ["AliasMatch ( /x", "does not compile"],
    ["Alias /x", "two arguments outside of <Location>"],
    ["Options All +Indexes", "must start with + or -"],
    ["ErrorDocument 999 x", "Unsupported HTTP response code 999"],
  ];
  for (const [line, message] of expected) {
    const { code, stderr } = await runCommand(["-t", "-C", line, "-c", "Listen 1"]);
    assertEquals(code, 1, line);
    assertStringIncludes(stderr, message);
  }
});

Deno.test(
  { name: "mime: type, charset, language, coding and handler by all extensions", ignore: !unix },
  async () => {
    await using server = await TestServer.start({
      config: `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
TypesConfig conf/mime.types
AddType text/x-own .own
AddType application/x-both .text
AddCharset UTF-8 .utf8
AddLanguage en .en
AddLanguage fr .fr
AddEncoding x-gzip .gz
AddEncoding x-compress .Z
<Directory "@ROOT@/htdocs/removed">
  RemoveType .own
  RemoveLanguage en
  DefaultLanguage de
  AddDefaultCharset On
</Directory>
<Directory "@ROOT@/htdocs/forced">
  ForceType image/gif
</Directory>
<Directory "@ROOT@/htdocs/forced/not">
  ForceType None
</Directory>
<Location /status>
  SetHandler server-status
</Location>
<Directory "@ROOT@/htdocs/handled">
  AddHandler server-status .status
</Directory>
`,
      files: {
        "conf/mime.types":
          "# types\ntext/html\t\thtml htm\ntext/plain txt text\nimage/png png\n\nunused/type\n",
        "htdocs/a.html": "x",
        "htdocs/a.HTML": "x",
        "htdocs/.html": "x",
        "htdocs/html": "x",
        "htdocs/html.own": "x",
        "htdocs/a.en.html.utf8": "x",
        "htdocs/a.html.en.fr": "x",
        "htdocs/a.txt.gz.Z": "x",
        "htdocs/a.txt.unknown": "x",
        "htdocs/a.text": "x",
        "htdocs/a.js": "x",
        "htdocs/removed/a.own": "x",
        "htdocs/removed/a.html.en": "x",
        "htdocs/removed/a.html.fr": "x",
        "htdocs/forced/a.html": "x",
        "htdocs/forced/not/a.html": "x",
        "htdocs/handled/a.status": "x",
      },
    });
    const facts = async (path: string) => {
      const { status, head } = await ask(server, path);
      assertEquals(status, 200, path);
      return ["content-type", "content-language", "content-encoding"].map((name) => field(head, name) ?? "")
        .join("|");
    };
    const expected: Record<string, string> = {
      "/a.html": "text/html||",
      "/a.HTML": "text/html||",
      "/.html": "||",
      "/html": "||",
      "/html.own": "text/x-own||",
      "/a.en.html.utf8": "text/html; charset=utf-8|en|",
      "/a.html.en.fr": "text/html|en, fr|",
      "/a.txt.gz.Z": "text/plain||x-gzip, x-compress",
      "/a.txt.unknown": "text/plain||",
      "/a.text": "application/x-both||",
      // The file says nothing of it: what is built in does not count.
      "/a.js": "||",
      "/removed/a.own": "|de|",
      "/removed/a.html.en": "text/html; charset=iso-8859-1|de|",
      "/removed/a.html.fr": "text/html; charset=iso-8859-1|fr|",
      "/forced/a.html": "image/gif||",
      "/forced/not/a.html": "text/html||",
    };
    const found: Record<string, string> = {};
    for (const path of Object.keys(expected)) found[path] = await facts(path);
    assertEquals(found, expected);
    assertStringIncludes((await ask(server, "/handled/a.status?auto")).body, "BusyWorkers:");
    assertStringIncludes((await ask(server, "/status?auto")).body, "BusyWorkers:");

    // Not modified: nothing about the content.
    const etag = field((await ask(server, "/a.en.html.utf8")).head, "etag");
    const same = await ask(server, "/a.en.html.utf8", "main.example", `If-None-Match: ${etag}\r\n`);
    assertEquals([same.status, field(same.head, "content-language")], [304, undefined]);
  },
);
