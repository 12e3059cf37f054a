// Are text and elements told apart, however they are spread over pieces?

import { assertEquals } from "@std/assert";
import { type Item, itemsOf } from "./elements.ts";

const TEXT =
  'a <!-- b <!--#echo var="x -->" --><!--#set var=y value=\'it"s\' -->c <!--#ECHO VAR=`q` --> < <! <!- <!--#-->d';

async function items(size: number): Promise<Item[]> {
  async function* pieces() {
    await Promise.resolve();
    const bytes = new TextEncoder().encode(TEXT);
    for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  }
  const found: Item[] = [];
  for await (const item of itemsOf(pieces(), "<!--#", "-->")) {
    const last = found.at(-1);
    if (item.kind === "text" && last?.kind === "text") {
      found[found.length - 1] = { kind: "text", text: last.text + item.text };
    } else found.push(item);
  }
  return found;
}

Deno.test("server-side includes: elements, whatever the edges of the pieces", async () => {
  const whole = await items(1000);
  assertEquals(whole, [
    { kind: "text", text: "a <!-- b " },
    { kind: "element", element: { name: "echo", attributes: [["var", "x -->"]] } },
    { kind: "element", element: { name: "set", attributes: [["var", "y"], ["value", 'it"s']] } },
    { kind: "text", text: "c " },
    { kind: "element", element: { name: "echo", attributes: [["var", "q"]] } },
    { kind: "text", text: " < <! <!- " },
    { kind: "broken" },
    { kind: "text", text: "d" },
  ]);
  for (const size of [1, 2, 3, 5, 7, 11, 30]) assertEquals(await items(size), whole, `pieces of ${size}`);
});
