// Which symbolic links are followed? Options, with a whole server, real links and .htaccess files.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
OpenFileCacheValid 100ms
<Directory "@ROOT@/htdocs/none">
  Options None
</Directory>
<Directory "@ROOT@/htdocs/minus">
  Options -FollowSymLinks
</Directory>
<Directory "@ROOT@/htdocs/minus/again">
  Options +FollowSymLinks
</Directory>
<Directory "@ROOT@/htdocs/owner">
  Options SymLinksIfOwnerMatch
</Directory>
<Directory "@ROOT@/htdocs/local">
  AllowOverride Options=FollowSymLinks,Indexes
</Directory>
# Asked when the way to the file is behind us: it changes nothing about links.
<DirectoryMatch "/htdocs/free">
  Options None
</DirectoryMatch>
`;

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

async function statusOf(server: TestServer, path: string): Promise<number> {
  const text = await server.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  return Number(text.slice(9, 12));
}

Deno.test(
  { name: "options: links are followed as the directories on the way say", ignore: !unix },
  async () => {
    await using server = await TestServer.start({
      config: CONFIG,
      files: {
        "htdocs/index.html": "the index",
        "outside/a.txt": "outside",
        "outside/index.html": "outside",
        "htdocs/free/own.txt": "own",
        "htdocs/none/own.txt": "own",
        "htdocs/minus/own.txt": "own",
        "htdocs/minus/again/own.txt": "own",
        "htdocs/owner/own.txt": "own",
        "htdocs/local/open/.htaccess": "Options +FollowSymLinks",
        "htdocs/local/closed/.htaccess": "Options -FollowSymLinks",
        "htdocs/local/wrong/.htaccess": "Options MultiViews",
      },
    });
    const link = (to: string, at: string) => Deno.symlink(to, server.path(`htdocs/${at}`));
    for (const place of ["free", "none", "minus", "minus/again", "owner", "local/open", "local/closed"]) {
      await link(server.path("outside/a.txt"), `${place}/link.txt`);
      await link(server.path("outside"), `${place}/linked`);
      await link(server.path("outside/a.txt"), `${place}/index.html`);
    }
    await link("nowhere", "free/dangling.txt");
    const expected: Record<string, number> = {
      "/free/link.txt": 200,
      "/free/linked/a.txt": 200,
      "/free/dangling.txt": 403,
      "/none/own.txt": 200,
      "/none/link.txt": 403,
      "/none/linked/a.txt": 403,
      "/none/linked/missing.txt": 403,
      "/none/missing.txt": 404,
      "/none/": 403,
      "/minus/link.txt": 403,
      "/minus/again/link.txt": 200,
      "/minus/again/linked/": 200,
      "/owner/link.txt": 200,
      "/owner/linked/": 200,
      "/local/open/link.txt": 200,
      "/local/closed/link.txt": 403,
      "/local/wrong/": 500,
    };
    for (let round = 0; round < 2; round++) {
      const found: Record<string, number> = {};
      for (const path of Object.keys(expected)) found[path] = await statusOf(server, path);
      assertEquals(found, expected);
    }
    assertStringIncludes(
      server.log("logs/error_log"),
      `AH00037: Symbolic link not allowed or link target not accessible: ${server.root}/htdocs/none/link.txt`,
    );

    // What was served from memory is refused once it is a link.
    assertEquals(await statusOf(server, "/none/own.txt"), 200);
    await Deno.remove(server.path("htdocs/none/own.txt"));
    await link(server.path("outside/a.txt"), "none/own.txt");
    await until("the link to be seen", async () => await statusOf(server, "/none/own.txt") === 403);
  },
);

Deno.test(
  { name: "options: a listing sees links as requests for them do, with .htaccess", ignore: !unix },
  async () => {
    await using server = await TestServer.start({
      config: CONFIG.replace("OpenFileCacheValid 100ms", "OpenFileCacheValid 60"),
      files: {
        "outside/a.txt": "outside",
        "htdocs/local/listed/.htaccess": "Options +Indexes -FollowSymLinks",
        "htdocs/local/listed/own.txt": "own",
      },
    });
    await Deno.symlink(server.path("outside/a.txt"), server.path("htdocs/local/listed/link.txt"));
    const listing = await server.get("/local/listed/");
    assertStringIncludes(listing, "own.txt");
    assertEquals(listing.includes("link.txt"), false);
    assertEquals(await statusOf(server, "/local/listed/link.txt"), 403);
  },
);

Deno.test({
  name: "options: SymLinksIfOwnerMatch refuses what belongs to somebody else",
  // Only root may give files away.
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
}, async () => {
  await using server = await TestServer.start({
    config: CONFIG,
    files: { "outside/theirs.txt": "theirs", "htdocs/owner/own.txt": "own" },
  });
  await Deno.chown(server.path("outside/theirs.txt"), 12345, 12345);
  await Deno.symlink(server.path("outside/theirs.txt"), server.path("htdocs/owner/link.txt"));
  assertEquals(await statusOf(server, "/owner/link.txt"), 403);
  assertEquals(await statusOf(server, "/owner/own.txt"), 200);
});
