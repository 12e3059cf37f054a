// Does a change of a file, or of a .htaccess file, count for the very next request? On connections that stay and on new ones, under the MPMs
// whose threads wait in different ways, each change once the answer before it has been kept.

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Connection, TestServer } from "./harness.ts";
import { type Model, MODELS } from "./models.ts";

const ignore = Deno.build.os === "windows";
const CHOSEN = ["event", "worker", "prefork"];

async function start(model: Model): Promise<TestServer> {
  return await TestServer.start({
    config: `LoadModule ${model.module} modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
MaxKeepAliveRequests 0
<Directory "@ROOT@/htdocs">
  Options FollowSymLinks
  AllowOverride All
  Require all granted
</Directory>
${model.four}`,
    files: { "htdocs/a/b/x.txt": "one", "htdocs/a/other.txt": "other" },
  });
}

for (const model of MODELS.filter(({ name, relayed }) => CHOSEN.includes(name) && relayed !== true)) {
  Deno.test(
    { name: `${model.name}: what is changed is different for the next request`, ignore },
    async () => {
      await using server = await start(model);
      let kept = await Connection.open(server.port);
      const path = (name: string) => join(server.root, "htdocs", name);
      const ask = async (target: string) => {
        await kept.send(`GET ${target} HTTP/1.1\r\nHost: test.example\r\n\r\n`);
        const { head, body } = await kept.response();
        // After some failures it is closed, as by httpd.
        if (/^connection: close/im.test(head)) {
          kept.close();
          kept = await Connection.open(server.port);
        }
        const field = /^x-place: (.*)\r$/im.exec(head)?.[1] ?? "-";
        return `${head.slice(9, 12)} ${field} ${head.startsWith("HTTP/1.1 200") ? body : ""}`.trim();
      };
      /** Twice: the second time from memory; then by somebody else, too. */
      const always = async (target: string, expected: string) => {
        for (let n = 0; n < 3; n++) assertEquals([target, await ask(target)], [target, expected]);
        const answer = await server.raw(`GET ${target} HTTP/1.0\r\n\r\n`);
        assertEquals(answer.slice(9, 12), expected.slice(0, 3));
      };
      const write = (name: string, text: string) => Deno.writeTextFileSync(path(name), text);
      await always("/a/b/x.txt", "200 - one");
      write("a/b/x.txt", "two!");
      await always("/a/b/x.txt", "200 - two!");
      write("a/.htaccess", "Header set X-Place a\n");
      await always("/a/b/x.txt", "200 a two!");
      write("a/b/.htaccess", "Header set X-Place b\n");
      await always("/a/b/x.txt", "200 b two!");
      write("a/.htaccess", "Header set X-Place outer\nRequire all denied\n");
      await always("/a/other.txt", "403 -");
      Deno.removeSync(path("a/b/.htaccess"));
      await always("/a/b/x.txt", "403 -");
      Deno.removeSync(path("a/.htaccess"));
      await always("/a/b/x.txt", "200 - two!");
      write("a/b/.htaccess", "NoSuchDirective\n");
      await always("/a/b/x.txt", "500 -");
      Deno.removeSync(path("a/b/.htaccess"));
      Deno.removeSync(path("a/b/x.txt"));
      await always("/a/b/x.txt", "404 -");
      // The same name for another file.
      Deno.symlinkSync(path("a/other.txt"), path("a/b/x.txt"));
      await always("/a/b/x.txt", "200 - other");
      Deno.renameSync(path("a/b"), path("a/c"));
      await always("/a/b/x.txt", "404 -");
      await always("/a/c/x.txt", "200 - other");
      // What was kept is found by the way it is asked for.
      write("a/.htaccess", "Options -FollowSymLinks\n");
      await always("/a/c/x.txt", "403 -");
      Deno.removeSync(path("a/.htaccess"));
      await always("/a/c/x.txt", "200 - other");
      kept.close();
    },
  );
}
