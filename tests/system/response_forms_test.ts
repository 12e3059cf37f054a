// Do all forms of responses go over the wire as they should? Each is asked for with GET and HEAD, with another request behind it on the same
// connection.

import { assertEquals } from "@std/assert";
import { FORMS } from "./response_forms.ts";
import { TABLE } from "./response_forms_table.ts";
import { fromFileUrl } from "@std/path";
import { Connection, TestServer } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

/** Fields that differ from server to server, or from second to second. */
const LEFT_OUT = /^(?:server: mpmd|vary: accept-encoding$|date: (?!Thu, 01 Jan))/i;

async function sent(port: number, form: string, method: string): Promise<string> {
  const connection = await Connection.open(port);
  await connection.send(
    `${method} /${form} HTTP/1.1\r\nHost: a\r\n\r\nGET /method HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  const text = await connection.readAll();
  connection.close();
  return normal(text);
}

/** As the table has it. */
function normal(text: string): string {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return JSON.stringify(text);
  const [line, ...lines] = text.slice(0, end).split("\r\n");
  const fields = lines.map((each) => {
    const colon = each.indexOf(":");
    return `${each.slice(0, colon).toLowerCase()}: ${each.slice(colon + 1).trim()}`;
  }).filter((field) => !LEFT_OUT.test(field)).sort();
  let body = text.slice(end + 4);
  const next = body.indexOf("HTTP/1.1 200 OK");
  const goesOn = next < 0 ? "" : body.endsWith("GET") ? " +next" : " +?";
  if (next >= 0) body = body.slice(0, next);
  if (/Internal Server/.test(body)) body = "(500 page)";
  return [line.replace("HTTP/1.1 ", ""), ...fields, `${JSON.stringify(body)}${goesOn}`].join(" | ");
}

Deno.test({ name: "application: forms of responses, on the wire", ignore: !unix }, async () => {
  assertEquals(new Set(TABLE.map(([form]) => form)), new Set(Object.keys(FORMS)));
  await using server = await TestServer.start({
    args: [
      "--listen",
      "127.0.0.1:@PORT@",
      fromFileUrl(new URL("./response_forms.ts", import.meta.url)),
    ],
  });
  for (const [form, method, expected] of TABLE) {
    assertEquals(
      `${method} ${form}: ${await sent(server.port, form, method)}`,
      `${method} ${form}: ${expected}`,
    );
  }
});
