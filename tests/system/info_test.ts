// Does server-info show what the server has, and what its configuration says?

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestServer } from "./harness.ts";

const unix = Deno.build.os !== "windows";

Deno.test({ name: "info: all of it, and each part by the query", ignore: !unix }, async () => {
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
StartServers 1
ThreadsPerChild 1
AddModuleInfo mod_alias.c "<b>ours</b>"
Include conf/more.conf
<Location /server-info>
  SetHandler server-info
</Location>`,
    files: { "conf/more.conf": 'Alias /x "/y & z"\n', "htdocs/index.html": "index" },
  });
  const part = (query: string) => server.get(`/server-info${query}`);
  const list = await part("?list");
  for (const source of ["core.c", "http_core.c", "mod_info.c", "mod_so.c", "event.c"]) {
    assertStringIncludes(list, `<dd>${source}</dd>`);
  }
  assertEquals(list.includes("Server Settings"), false);
  const configuration = await part("?CONFIG");
  assertStringIncludes(configuration, "&nbsp;&nbsp;&nbsp;8:&nbsp;&lt;Location /server-info&gt;");
  assertStringIncludes(configuration, "&nbsp;&nbsp;&nbsp;1:&nbsp;Alias <i>/x &quot;/y &amp; z&quot;</i>");
  assertStringIncludes(await part("?server"), `<tt>test.example`);
  const hooks = await part("?hooks");
  const logging = hooks.slice(hooks.indexOf("<strong>Transaction Logging:"));
  assertEquals(logging.includes("mod_log_debug.c"), false, "a module that nobody uses takes part");
  const translate = hooks.slice(
    hooks.indexOf("<strong>Translate Name:"),
    hooks.indexOf("<strong>Map to Storage:"),
  );
  assert(translate.indexOf("mod_alias.c") >= 0, translate);
  const alias = await part("?mod_alias.c");
  for (const text of ["<b>ours</b>", "RedirectMatch - <i>", "<tt>Translate Name</tt>", "Alias <i>/x"]) {
    assertStringIncludes(alias, text);
  }
  assertEquals(alias.includes("DocumentRoot"), false);
  assertStringIncludes(await part("?mod_none.c"), "No such module");
  const whole = await part("");
  for (
    const text of ['name="server"', 'name="request_hooks"', 'name="mod_dir.c"', "ThreadsPerChild <i>1</i>"]
  ) {
    assertStringIncludes(whole, text);
  }
});
