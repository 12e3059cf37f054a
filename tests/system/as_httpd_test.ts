// Does this server answer as httpd does? as_httpd.json has configurations with requests, and what Debian's apache2 of the version named there said
// to them: all of them are hosts of one server here.

import { assertEquals } from "@std/assert";
import { TestServer, unchunked } from "./harness.ts";
import recorded from "./as_httpd.json" with { type: "json" };
import modules from "./modules_as_httpd.json" with { type: "json" };
import filters from "./filters_as_httpd.json" with { type: "json" };

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

interface Case {
  readonly name: string;
  readonly config: string;
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly of: readonly string[];
  /** Request line, further fields, the answer. */
  readonly pairs: readonly (readonly string[])[];
}

const { httpd, modified } = recorded;
const cases: readonly Case[] = [...recorded.cases, ...filters.cases, ...modules.cases];

function setup() {
  const files: Record<string, string> = {};
  let config = "Listen 127.0.0.1:@PORT@\nServerName main.test\nStartServers 1\nThreadsPerChild 1\n";
  for (const [at, { config: own, files: given }] of cases.entries()) {
    const root = `@ROOT@/c${at}`;
    files[`c${at}/.keep`] = "";
    for (const [name, content] of Object.entries(given)) {
      if (content !== undefined) files[`c${at}/${name}`] = content;
    }
    config += `<VirtualHost *:@PORT@>
ServerName c${at}.example
DocumentRoot "${root}"
${own.replaceAll("@ROOT@", root).replaceAll("@HOST@", `c${at}.example`)}
</VirtualHost>
`;
  }
  return { config, files };
}

/** What a listing lists, in its order; of anything else, the text. */
function contentOf(body: string): string {
  if (!body.includes("<title>Index of")) return body;
  return [...body.matchAll(/<li><a href="([^"]*)"|<a href="([^"?]*)">[^<]/g)]
    .map(([, plain, fancy]) => plain ?? fancy).join(" ");
}

/** In Vary, blanks between names and the case of their letters say nothing. */
function plain(answer: string): string {
  return answer.replace(/vary=[^ ]+(?:(?<=,) [^ ]+)*/, (vary) => vary.replaceAll(", ", ",").toLowerCase());
}

/** The answer as it is recorded: the status, then fields and content that count. */
async function ask(server: TestServer, host: string, of: readonly string[], line: string, more: string) {
  const filled = more.replaceAll("@HOST@", host).replaceAll("@PORT@", String(server.port));
  const fields = [...filled.startsWith("Host:") ? [] : [`Host: ${host}`], filled, "Connection: close"];
  const text = await server.raw(
    `${line} HTTP/1.1\r\n${fields.filter((field) => field !== "").join("\r\n")}\r\n\r\n`,
  );
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end + 2);
  const isChunked = /^transfer-encoding: chunked/im.test(head);
  const status = head.slice(9, 12);
  const date = /^Date: (.*)\r$/m.exec(head)![1];
  const parts = of.map((name) => {
    const value = name === "body"
      ? status === "200"
        ? contentOf(isChunked ? unchunked(text.slice(end + 4)) : text.slice(end + 4))
        : undefined
      : new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
    return value === undefined ? [] : [`${name}=${value.replace(date, "@DATE@")}`];
  });
  return [status, ...parts.flat()].join(" ").replaceAll(host, "@HOST@")
    .replaceAll(`${server.root}/${host.split(".")[0]}`, "@ROOT@").replaceAll(
      String(server.port),
      "@PORT@",
    );
}

Deno.test({ name: `as ${httpd} answers`, ignore: !unix }, async () => {
  await using server = await TestServer.start(setup());
  for (const [at, { files }] of cases.entries()) {
    for (const name of Object.keys(files)) {
      const path = `${server.root}/c${at}/${name}`;
      if (name.endsWith(".sh")) await Deno.chmod(path, 0o755);
      await Deno.utime(path, modified, modified);
    }
  }
  const wrong: string[] = [];
  for (const [at, { name, of, pairs }] of cases.entries()) {
    for (const [line, more, expected] of pairs) {
      const answer = await ask(server, `c${at}.example`, of, line, more);
      const key = `${name}: ${line}${more === "" ? "" : `, ${more}`}`;
      if (plain(answer) !== plain(expected)) wrong.push(`${key}: "${answer}", httpd "${expected}"`);
    }
  }
  assertEquals(wrong, []);
});
