import { assert, assertEquals, assertRejects } from "@std/assert";
import { BindError } from "./bind_error.ts";
import { addressText, resolveListen } from "./listen_addresses.ts";
import { parseListen } from "../rules/listen_directives.ts";

async function resolved(...lines: string[]): Promise<string[]> {
  const { listen } = await resolveListen({ listen: lines.map((line) => parseListen(line.split(" "))) });
  return listen.map(addressText);
}

Deno.test("no address at all is both wildcards, IPv6 first", async () => {
  assertEquals(await resolved("80"), ["[::]:80", "0.0.0.0:80"]);
});

Deno.test("IPv6 addresses have one spelling and keep their zone", async () => {
  assertEquals(await resolved("[2001:DB8:0:0::1]:80"), ["[2001:db8::1]:80"]);
  assertEquals(await resolved("[FE80::1%lo]:80"), ["[fe80::1%lo]:80"]);
});

Deno.test("a name is all of its addresses", async () => {
  const texts = await resolved("localhost:80");
  assert(texts.length > 0);
  for (const text of texts) assert(["127.0.0.1:80", "[::1]:80"].includes(text), text);
});

Deno.test("lines that mean the same address are an error", async () => {
  for (const pair of [["localhost:80", "127.0.0.1:80"], ["80", "0.0.0.0:80"], ["[::1]:80", "[0::1]:80"]]) {
    // A system may know localhost as ::1 only: then the second line of the first pair is no repetition.
    if (pair[0].startsWith("localhost") && !(await resolved(pair[0])).includes("127.0.0.1:80")) continue;
    await assertRejects(() => resolved(...pair), BindError, "multiple Listeners");
  }
});

Deno.test("a name without an address is AH00077", async () => {
  await assertRejects(() => resolved("nowhere.invalid:80"), BindError, "AH00077");
});

Deno.test("what is no IPv6 address is AH00077", async () => {
  await assertRejects(() => resolved("[1:2]:80"), BindError, "AH00077");
});
