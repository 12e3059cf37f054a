// What does a client see of a directory? mod_dir and mod_autoindex, with a whole server.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
OpenFileCacheValid 0
DirectoryIndex index.html
DirectoryIndex index.txt
AddIcon (TXT,/icons/text.gif) .txt
AddIcon /icons/folder.gif ^^DIRECTORY^^
AddIconByType (IMG,/icons/image.gif) image/*
DefaultIcon /icons/unknown.gif
IndexIgnore .??* *.bak
<Directory "@ROOT@/htdocs/list">
  Options +Indexes
  AllowOverride Indexes
  IndexOptions FancyIndexing VersionSort
  AddDescription "a picture" *.png
  HeaderName HEADER.html
  ReadmeName README.txt
</Directory>
<Directory "@ROOT@/htdocs/list/secret">
  Require all denied
</Directory>
<FilesMatch "^denied">
  Require all denied
</FilesMatch>
<Directory "@ROOT@/htdocs/none">
  IndexForbiddenReturn404 On
  DirectoryIndex disabled
</Directory>
<Directory "@ROOT@/htdocs/app">
  FallbackResource /app/front.html
</Directory>
<Directory "@ROOT@/htdocs/lost">
  FallbackResource /lost/nothing.html
</Directory>
<Directory "@ROOT@/htdocs/sent">
  DirectoryIndexRedirect permanent
</Directory>
`;

const FILES = {
  "htdocs/index.html": "the index",
  "htdocs/second/index.txt": "second",
  "htdocs/list/v10.txt": "1234567890",
  "htdocs/list/v9.txt": "",
  "htdocs/list/a.png": "x",
  "htdocs/list/b.bak": "x",
  "htdocs/list/.hidden": "x",
  "htdocs/list/denied.txt": "x",
  "htdocs/list/secret/x": "x",
  "htdocs/list/sub/x": "x",
  "htdocs/list/plain/.htaccess": "IndexOptions -FancyIndexing\nIndexIgnore x*\n",
  "htdocs/list/plain/x1": "x",
  "htdocs/list/plain/y <1>": "x",
  "htdocs/list/HEADER.html": "<h2>Above</h2>\n",
  "htdocs/list/README.txt": "below < it\n",
  "htdocs/none/x": "x",
  "htdocs/forbidden/x": "x",
  "htdocs/app/front.html": "front",
  "htdocs/app/there.html": "there",
  "htdocs/app/sub/x": "x",
  "htdocs/lost/x": "x",
  "htdocs/sent/index.html": "x",
};

async function ask(server: TestServer, path: string, method = "GET") {
  const text = await server.raw(`${method} ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
  const split = text.indexOf("\r\n\r\n") + 4;
  return {
    status: Number(text.slice(9, 12)),
    head: text.slice(0, split),
    body: text.slice(split),
    location: /^location: (.*)\r$/im.exec(text.slice(0, split))?.[1],
  };
}

Deno.test({ name: "directories: listings", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: FILES });
  const names = (body: string) => [...body.matchAll(/<a href="([^"?]*)">/g)].map(([, name]) => name);
  const list = await ask(server, "/list/");
  assertEquals(list.status, 200);
  assertMatch(list.head, /^content-type: text\/html;charset=UTF-8\r$/im);
  const all = ["HEADER.html", "README.txt", "a.png", "plain/", "sub/", "v9.txt", "v10.txt"];
  // What is denied is not shown.
  assertEquals(names(list.body), ["/", ...all]);
  assertStringIncludes(list.body, "<title>Index of /list</title>");
  assertStringIncludes(list.body, "<h2>Above</h2>\n<pre>");
  assertStringIncludes(list.body, "<pre>\nbelow &lt; it\n</pre>\n</body></html>\n");
  assertStringIncludes(list.body, '<img src="/icons/text.gif" alt="[TXT]"> <a href="v10.txt">v10.txt</a>');
  assertMatch(
    list.body,
    /alt="\[IMG\]"> <a href="a\.png">a\.png<\/a> {19}\d{4}-\d\d-\d\d \d\d:\d\d {4}1 {3}a picture\n/,
  );
  assertEquals(names((await ask(server, "/list/?C=N;O=D")).body), ["/", ...all.toReversed()]);
  assertEquals(names((await ask(server, "/list/?C=S&O=D&P=*.txt")).body), [
    "/",
    "README.txt",
    "v10.txt",
    "v9.txt",
  ]);
  assertStringIncludes((await ask(server, "/list/?C=%22;O=x;P=<%22>")).body, "?C=N;O=D;P=&lt;%22&gt;");
  assertStringIncludes((await ask(server, "/list/?F=2")).body, "<table>");
  const plain = await ask(server, "/list/plain/");
  assertEquals(names(plain.body), ["/list/", "y%20%3c1%3e"]);
  assert(plain.body.includes("<ul><li>"), plain.body);

  const head = await ask(server, "/list/", "HEAD");
  assertEquals([head.status, head.body], [200, ""]);
  // Only GET is answered with a listing; there is nothing else to send.
  assertEquals((await ask(server, "/list/", "POST")).status, 404);
  assertEquals((await ask(server, "/forbidden/")).status, 403);
  assertEquals((await ask(server, "/none/")).status, 404);
  assertEquals((await ask(server, "/list/secret/")).status, 403);
  assertStringIncludes(
    server.log("logs/error_log"),
    `AH01276: Cannot serve directory ${server.root}/htdocs/forbidden/: No matching DirectoryIndex (index.html,index.txt) found`,
  );
});

Deno.test({ name: "directories: slash, index files, FallbackResource", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: FILES });
  assertEquals((await ask(server, "/list?a=b")).location, "http://a.example/list/?a=b");
  assertEquals((await ask(server, "/second/")).body, "second");
  // A name that comes first takes over as soon as it is there.
  await Deno.writeTextFile(server.path("htdocs/second/index.html"), "first");
  await until("the first name", async () => (await ask(server, "/second/")).body === "first");

  assertEquals((await ask(server, "/sent/?q")).location, "http://a.example/sent/index.html?q");
  assertEquals((await ask(server, "/app/there.html")).body, "there");
  for (const path of ["/app/missing", "/app/missing/deep?x=1", "/app/sub/", "/app/"]) {
    const { status, body } = await ask(server, path);
    assertEquals([path, status, body], [path, 200, "front"]);
  }
  assertEquals((await ask(server, "/lost/x1")).status, 404);
});
