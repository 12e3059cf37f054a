// What does a developer see of an exception, and what does everybody else? The same application with --dev and without.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestServer } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const APP = `function inner(what: string | null): never {
  // a comment with <b>markup</b>
  throw new TypeError(\`cannot take \${what}\`, { cause: new Error("deeper") });
}
export default {
  fetch: (request: Request): Response => inner(new URL(request.url).searchParams.get("q")),
};
`;

function start(...flags: string[]): Promise<TestServer> {
  return TestServer.start({
    args: ["--listen", "127.0.0.1:@PORT@", ...flags, "@ROOT@/app.ts"],
    files: { "app.ts": APP },
  });
}

async function ask(server: TestServer, headers: Record<string, string>, method = "GET") {
  const response = await fetch(server.url("/?q=<i>"), { headers, method });
  return { response, text: await response.text(), type: response.headers.get("content-type") };
}

Deno.test(
  { name: "--dev: a browser gets a page with source, stack and request, all of it escaped", ignore },
  async () => {
    await using server = await start("--dev");
    const { response, text, type } = await ask(server, {
      accept: "text/html,*/*",
      authorization: "Basic c2VjcmV0",
    });
    assertEquals([response.status, type, response.headers.get("cache-control")], [
      500,
      "text/html; charset=utf-8",
      "no-store",
    ]);
    assertStringIncludes(text, "<h1>TypeError: cannot take &lt;i&gt;</h1>");
    assertStringIncludes(text, "<mark>    3 |   throw new TypeError(");
    assertStringIncludes(text, "a comment with &lt;b&gt;markup&lt;/b&gt;");
    assertStringIncludes(text, "Caused by: Error: deeper");
    assertStringIncludes(text, "<h2>GET /?q=%3Ci%3E</h2>");
    for (const hidden of ["<i>", "<b>", "c2VjcmV0"]) assert(!text.includes(hidden), hidden);
  },
);

Deno.test(
  { name: "--dev: other clients get JSON or text, HEAD the same without content", ignore },
  async () => {
    await using server = await start("--dev");
    const json = await ask(server, { accept: "application/json" });
    const { error } = JSON.parse(json.text);
    assertEquals([json.type, error.title], ["application/json", "TypeError: cannot take <i>"]);
    assertEquals([error.excerpt.line, error.excerpt.url], [3, `file://${server.path("app.ts")}`]);
    const plain = await ask(server, { accept: "*/*" });
    assertEquals(plain.type, "text/plain; charset=utf-8");
    assertStringIncludes(plain.text, "> 3 |   throw new TypeError(");
    const head = await ask(server, { accept: "*/*" }, "HEAD");
    assertEquals([head.text, Number(head.response.headers.get("content-length")) > 0], ["", true]);
  },
);

Deno.test({ name: "without --dev nothing of an exception reaches a client", ignore }, async () => {
  await using server = await start();
  for (const accept of ["text/html", "application/json", "*/*"]) {
    const { response, text } = await ask(server, { accept });
    assertEquals(response.status, 500);
    for (const secret of ["cannot take", "app.ts", "inner", "deeper"]) assert(!text.includes(secret), text);
  }
});
