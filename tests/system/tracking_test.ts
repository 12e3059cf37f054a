// Are clients and requests followed as the configuration says? mod_usertrack by a cookie, mod_log_debug by messages of its own.

import { assertEquals, assertMatch } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const unix = Deno.build.os !== "windows";

Deno.test(
  { name: "usertrack and log_debug: cookies, notes and messages as httpd's", ignore: !unix },
  async () => {
    await using server = await TestServer.start({
      config: `Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
StartServers 1
ThreadsPerChild 1
LogFormat "%{cookie}n %U" tracked
CustomLog logs/access_log tracked
ErrorLog logs/error_log
ErrorLogFormat "%M"
LogLevel warn log_debug:info
LogMessage "done %{REQUEST_URI} %{REQUEST_STATUS}"
<Location /a>
  CookieTracking On
  CookieName my-id
  CookieExpires "plus 1 day 2 hours"
  CookieDomain .test.example
  CookieSameSite strict
  CookieSecure On
  CookieHTTPOnly On
</Location>
<Location /b>
  CookieTracking On
  CookieStyle Cookie
  CookieExpires 60
  LogMessage "fixing %{HTTP_USER_AGENT}" hook=fixups "expr=%{HTTP_USER_AGENT} == 'me'"
  LogMessage "b" hook=*
</Location>
<Directory "@ROOT@/htdocs/b">
  LogLevel log_debug:debug
</Directory>
ErrorDocument 404 /index.html`,
      files: { "htdocs/index.html": "index", "htdocs/a/x": "x", "htdocs/b/x": "x" },
    });
    const cookie = async (path: string, fields = "") => {
      const head = await server.raw(
        `GET ${path} HTTP/1.1\r\nHost: test.example\r\n${fields}Connection: close\r\n\r\n`,
      );
      return [...head.matchAll(/^set-cookie2?: (.*)\r$/gim)].map(([, value]) => value).join("\n");
    };
    const first = await cookie("/a/x");
    assertMatch(
      first,
      /^my-id=[\da-f]+\.[\da-f]+; path=\/; expires=\w{3}, \d\d-\w{3}-\d\d [\d:]{8} GMT; domain=\.test\.example; SameSite=Strict; Secure; HttpOnly$/,
    );
    const value = /=([^;]+)/.exec(first)![1];
    const again = await cookie("/a/x");
    assertEquals(again === first, false, "two clients have one cookie");
    assertEquals(await cookie("/a/x", `Cookie: a=b; my-id=${value}\r\n`), "");
    assertMatch(await cookie("/a/not-here"), /^my-id=/);
    assertMatch(await cookie("/b/x", "User-Agent: me\r\n"), /^Apache=[\da-f.]+; path=\/; max-age=60$/);
    assertEquals(await cookie("/b/x", "Cookie: Apache=q\r\n"), "");
    assertEquals(await cookie("/index.html"), "");
    const log = await until("the log", () => {
      const lines = server.log("logs/access_log").trimEnd().split("\n");
      return lines.length === 7 ? lines : undefined;
    });
    assertEquals(log[0], `${value} /a/x`);
    assertEquals(log[2], `${value} /a/x`);
    assertEquals(log.slice(5), ["q /b/x", "- /index.html"]);
    const messages = await until("the messages", () => {
      const text = server.log("logs/error_log");
      return text.includes("done /index.html 200")
        ? text.replaceAll(/\(([\w]+) hook, .*:\d+\)/g, "($1)")
        : undefined;
    });
    const hooks = [
      "check_access",
      "check_access_ex",
      "type_checker",
      "fixups",
      "insert_filter",
      "handler",
      "log_transaction",
    ];
    const ofB = messages.slice(messages.indexOf("fixing me (fixups)")).split("\n");
    assertEquals(ofB.slice(1, 5), [
      "b (fixups)",
      "b (insert_filter)",
      "b (handler)",
      "done /b/x 200 (log_transaction)",
    ]);
    for (const hook of hooks) assertEquals(messages.split(`b (${hook})`).length - 1, 2, hook);
    assertEquals(messages.split("fixing").length - 1, 1);
    assertEquals(messages.split("done /a/x 200").length - 1, 3);
  },
);
