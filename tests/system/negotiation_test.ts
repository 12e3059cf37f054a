// Which form does a client get? mod_negotiation (MultiViews), with a whole server.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestServer } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

Deno.test(
  { name: "negotiation: languages, types and codings by what the client accepts", ignore: !unix },
  async () => {
    await using server = await TestServer.start({
      config: `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
Options +MultiViews
AddLanguage en .en
AddLanguage de .de
AddLanguage pt-BR .pt-br
AddEncoding x-gzip .gz
LanguagePriority de en
<Directory "@ROOT@/htdocs/fallback">
  ForceLanguagePriority Prefer Fallback
</Directory>
<Directory "@ROOT@/htdocs/off">
  Options None
</Directory>
<FilesMatch "\\.de$">
  Header set X-Form german
</FilesMatch>
<Files "denied.html.en">
  Require all denied
</Files>
`,
      files: {
        "htdocs/index.html.en": "english index",
        "htdocs/index.html.de": "deutscher Index",
        "htdocs/page.en.html": "english page",
        "htdocs/page.html.de": "deutsche Seite",
        "htdocs/page.html.pt-br": "pagina",
        "htdocs/page.txt": "text only, and longer than the others",
        "htdocs/page.bak.html": "what a form is not",
        "htdocs/data.txt": "plain",
        "htdocs/data.txt.gz": "packed",
        "htdocs/packed.txt.gz": "packed only",
        "htdocs/denied.html.en": "no",
        "htdocs/denied.html.de": "ja",
        "htdocs/fallback/only.html.en": "english",
        "htdocs/fallback/only.html.de": "deutsch",
        "htdocs/off/page.html.en": "english",
      },
    });
    const ask = async (path: string, more = "") => {
      const text = await server.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`);
      const split = text.indexOf("\r\n\r\n") + 4;
      const of = (name: string) => new RegExp(`^${name}: (.*)\r$`, "im").exec(text.slice(0, split))?.[1];
      return { status: Number(text.slice(9, 12)), body: text.slice(split), of };
    };
    const language = (value: string) => `Accept-Language: ${value}\r\nAccept: text/html\r\n`;
    const german = await ask("/page", language("de, en;q=0.5"));
    assertEquals([german.status, german.body], [200, "deutsche Seite"]);
    assertEquals(
      ["content-location", "vary", "tcn", "content-language", "x-form"].map(german.of),
      ["page.html.de", "negotiate, accept, accept-language", "choice", "de", "german"],
    );
    assertEquals((await ask("/page", language("en-GB"))).body, "english page");
    assertEquals((await ask("/page", language("pt-br"))).body, "pagina");
    assertEquals((await ask("/page", language("pt"))).body, "pagina");
    assertEquals((await ask("/page", language("de;q=0.3, en;q=0.7"))).body, "english page");
    assertEquals(
      (await ask("/page", "Accept: text/plain\r\n")).body,
      "text only, and longer than the others",
    );
    // Nobody says: the server's own order.
    assertEquals((await ask("/page.html", "Accept: text/html\r\n")).body, "deutsche Seite");
    const none = await ask("/page", "Accept: image/png\r\n");
    assertEquals(none.status, 406);
    assertStringIncludes(none.body, '<a href="page.html.de">page.html.de</a>, text/html, de');
    assertEquals((await ask("/fallback/only", language("fr"))).body, "deutsch");

    assertEquals((await ask("/", language("en"))).body, "english index");
    assertEquals((await ask("/", language("de"))).body, "deutscher Index");
    assertEquals((await ask("/data.txt")).body, "plain");
    assertEquals((await ask("/data", "Accept-Encoding: gzip\r\n")).body, "packed");
    assertEquals((await ask("/data")).body, "plain");
    assertEquals((await ask("/packed")).body, "packed only");
    assertEquals((await ask("/packed", "Accept-Encoding: identity\r\n")).status, 406);
    assertEquals((await ask("/denied", language("en, de;q=0.1"))).body, "ja");
    assertEquals((await ask("/off/page")).status, 404);
    assertEquals((await ask("/page/deeper")).status, 404);
    assertEquals((await ask("/none")).status, 404);
  },
);
