// Is our Response one? Made in forty ways, it says what the platform's says, and throws what that throws.

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ingredientsOf, useOwnResponse } from "./own_response.ts";

const Native = Response;
const fetched = new Native("fetched");
useOwnResponse();
const Own = Response;

const form = () => {
  const data = new FormData();
  data.append("a", "1");
  return data;
};
const stream = () => ReadableStream.from([new TextEncoder().encode("str"), new TextEncoder().encode("eam")]);

/** Ways to make one, with the class to make it of. */
const WAYS: Readonly<Record<string, (R: typeof Response) => Response>> = {
  "nothing": (R) => new R(),
  "null": (R) => new R(null),
  "an empty string": (R) => new R(""),
  "a string": (R) => new R("text"),
  "a string with more than ASCII": (R) => new R("größer ☃ \ud800"),
  "a number": (R) => new R(5 as unknown as string),
  "an object": (R) => new R({ toString: () => "made" } as unknown as string),
  "bytes": (R) => new R(new Uint8Array([65, 66])),
  "a part of a buffer": (R) => new R(new Uint8Array(new TextEncoder().encode("abcdef").buffer, 2, 3)),
  "a buffer": (R) => new R(new TextEncoder().encode("abc").buffer),
  "a view": (R) => new R(new DataView(new TextEncoder().encode("abcd").buffer, 1, 2)),
  "words": (R) => new R(new Uint16Array([0x4141, 0x4242])),
  "parameters": (R) => new R(new URLSearchParams({ a: "1 2", b: "ö" })),
  "a blob": (R) => new R(new Blob(["blob"], { type: "x/y" })),
  "a blob without a type": (R) => new R(new Blob(["blob"])),
  "a stream": (R) => new R(stream()),
  "a status": (R) => new R("x", { status: 404, statusText: "Nowhere" }),
  "a status as a string": (R) => new R("x", { status: "201" as unknown as number }),
  "a status that is too small": (R) => new R("x", { status: 99 }),
  "a status that is too large": (R) => new R("x", { status: 600 }),
  "a status in parts": (R) => new R("x", { status: 200.7 }),
  "status 204": (R) => new R(null, { status: 204 }),
  "status 204 with a body": (R) => new R("x", { status: 204 }),
  "status 304 with an empty body": (R) => new R("", { status: 304 }),
  "a status text with a line break": (R) => new R("x", { statusText: "a\n" }),
  "headers of a record": (R) => new R("x", { headers: { "X-A": "1", "content-type": "a/b" } }),
  "headers of a record, twice": (R) => new R("x", { headers: { "X-A": "1", "x-a": "2" } }),
  "headers of pairs": (R) =>
    new R("x", { headers: [["x-a", "1"], ["Set-Cookie", "a=1"], ["set-cookie", "b=2"]] }),
  "headers of pairs, twice": (R) => new R("x", { headers: [["x-a", "1"], ["X-A", "2"]] }),
  "headers of pairs that are none": (R) =>
    new R("x", { headers: [["x-a"]] as unknown as [string, string][] }),
  "headers of Headers": (R) => new R("x", { headers: new Headers({ "x-a": "1", "content-type": "a/b" }) }),
  "headers of a map": (R) => new R("x", { headers: new Map([["x-a", "1"]]) as unknown as Headers }),
  "headers of another": (R) => new R("x", { headers: new R("y", { headers: { "x-a": "1" } }).headers }),
  "a header of a number": (R) => new R("x", { headers: { "x-a": 5 as unknown as string } }),
  "a header of null": (R) => new R("x", { headers: { "x-a": null as unknown as string } }),
  "an empty header": (R) => new R("x", { headers: { "x-a": "" } }),
  "a header within white space": (R) => new R("x", { headers: { "x-a": " \t1 2\n " } }),
  "a header in ISO 8859-1": (R) => new R("x", { headers: { "x-a": "größer" } }),
  "a header with a name that is none": (R) => new R("x", { headers: { "a b": "1" } }),
  "a header with a line break": (R) => new R("x", { headers: { "x-a": "1\r\nb: 2" } }),
  "a header with a snowman": (R) => new R("x", { headers: { "x-a": "☃" } }),
  "init that is null": (R) => new R("x", null as unknown as ResponseInit),
  "init that is a number": (R) => new R("x", 5 as unknown as ResponseInit),
  "json": (R) => R.json({ a: [1] }),
  "json with headers": (R) => R.json({ a: 1 }, { status: 201, headers: { "x-a": "1" } }),
  "json with a type": (R) => R.json({ a: 1 }, { headers: { "Content-Type": "application/problem+json" } }),
  "json with a type as a pair": (R) => R.json("a", { headers: [["content-type", "a/b"]] }),
  "json with a header that is none": (R) => R.json("a", { headers: { "a b": "c" } }),
  "json of nothing": (R) => R.json(undefined),
  "json with status 204": (R) => R.json({}, { status: 204 }),
  "a redirect": (R) => R.redirect("http://a/b"),
  "a redirect with a status": (R) => R.redirect("http://a/b", 307),
  "an error": (R) => R.error(),
  "another's body": (R) => {
    const other = new R("other", { status: 201, headers: { "x-a": "1" } });
    return new R(other.body, other);
  },
  "another's body, changed": (R) => {
    const made = new R(new R("other").body, { headers: { "x-a": "1" } });
    made.headers.set("X-A", "2");
    made.headers.append("x-b", "3");
    made.headers.append("x-b", "4");
    return made;
  },
  "a clone": (R) => new R("text", { status: 202, headers: { "x-a": "1" } }).clone(),
  "a clone of bytes": (R) => new R(new Uint8Array([65])).clone(),
  "one that was cloned": (R) => {
    const made = new R("text");
    made.clone();
    return made;
  },
  "changed headers": (R) => {
    const made = new R("x", { headers: { "x-a": "1", "x-b": "2" } });
    made.headers.delete("content-type");
    made.headers.set("x-a", "3");
    made.headers.append("set-cookie", "a=1");
    made.headers.append("set-cookie", "b=2");
    return made;
  },
  "headers that were changed after its body was asked for": (R) => {
    const made = new R("x");
    const { headers } = made;
    made.body;
    headers.set("x-a", "1");
    return made;
  },
  "init that changed afterwards": (R) => {
    const init = { headers: { "x-a": "1" }, status: 201 };
    const made = new R("x", init);
    init.headers["x-a"] = "2";
    init.status = 202;
    return made;
  },
  "bytes that changed afterwards": (R) => {
    const bytes = new Uint8Array([65]);
    const made = new R(bytes);
    bytes[0] = 66;
    return made;
  },
  "one that was read": (R) => {
    const made = new R("x");
    made.text();
    return made;
  },
  "a clone of one that was read": (R) => {
    const made = new R("x");
    made.text();
    return made.clone();
  },
  "a subclass's": (R) =>
    new (class extends R {
      constructor() {
        super("sub", { headers: { "x-a": "1" } });
      }
      override get status(): number {
        return 299;
      }
    })(),
};

async function facts(make: () => Response): Promise<unknown> {
  let made: Response;
  try {
    made = make();
  } catch (error) {
    return [String((error as Error).name), (error as Error).message];
  }
  const { status, ok, statusText, type, url, redirected, bodyUsed } = made;
  const headers = [...made.headers];
  const looks = [
    made.headers.get("X-A"),
    made.headers.has("content-type"),
    made.headers.getSetCookie(),
    [...made.headers.keys()],
  ];
  const is = [made instanceof Response, made instanceof Native, Object.prototype.toString.call(made)];
  const body = made.body === null ? null : typeof made.body;
  const text = await made.text().catch((error) => String(error));
  return {
    status,
    ok,
    statusText,
    type,
    url,
    redirected,
    bodyUsed,
    headers,
    looks,
    is,
    body,
    text,
    after: made.bodyUsed,
  };
}

for (const [what, make] of Object.entries(WAYS)) {
  Deno.test(`Response: ${what}`, async () => {
    assertEquals(await facts(() => make(Own)), await facts(() => make(Native)));
  });
}

/** What somebody does to the body before the response is looked at again. */
const USES: Readonly<Record<string, (response: Response) => unknown>> = {
  "a reader that has let go": async ({ body }) => {
    const reader = body!.getReader();
    await reader.read();
    reader.releaseLock();
  },
  "a reader that holds it": ({ body }) => body!.getReader(),
  "cancelled": ({ body }) => body!.cancel(),
  "two of one": ({ body }) => body!.tee(),
  "read as a text": (response) => response.text(),
  "passed on": ({ body }) => body!.pipeTo(new WritableStream()),
  "walked through": async ({ body }) => {
    for await (const _piece of body!);
  },
};

for (const [what, use] of Object.entries(USES)) {
  Deno.test(`Response: a body that was used: ${what}`, async () => {
    const used = async (R: typeof Response) => {
      const made = new R("text");
      await use(made);
      const { bodyUsed, body } = made;
      return [bodyUsed, body!.locked, await made.text().catch((error) => String(error))];
    };
    assertEquals(await used(Own), await used(Native));
  });
}

Deno.test("Response: form data are encoded with a boundary that the type names", async () => {
  const made = new Own(form());
  const boundary = /boundary=(.*)$/.exec(made.headers.get("content-type")!)![1];
  assert(ingredientsOf(made) !== undefined);
  assert((await made.clone().text()).startsWith(`--${boundary}\r\n`));
  assertEquals((await made.formData()).get("a"), "1");
});

Deno.test("Response: what it is made of is known through clones and other responses, and not of streams", () => {
  const source = (response: Response) => ingredientsOf(response)?.source;
  const made = new Own("text");
  assertEquals(source(made), "text");
  assertEquals(source(made.clone()), "text");
  assertEquals(source(made), "text");
  assertEquals(source(new Own(made.body, made)), "text");
  assertEquals(source(new Own(new Uint8Array([1]))), new Uint8Array([1]));
  assertEquals(source(new Own(stream())), undefined);
  assertEquals(source(Own.redirect("http://a/")), undefined);
  const read = new Own("text");
  read.body!.getReader();
  assertEquals(source(read), undefined);
});

Deno.test("Response: what the platform makes is one; what is made of ours is taken by the platform", async () => {
  assert(fetched instanceof Response);
  assertStrictEquals(fetched.constructor, Response);
  assertEquals(Own.name, "Response");
  assert(!({} instanceof Response));
  class Sub extends Response {}
  assert(new Sub() instanceof Sub && !(new Own() instanceof Sub));
  const cache = await caches.open("mpmd-response-test");
  try {
    await cache.put("http://a/x", new Own("kept", { headers: { "x-a": "1" } }));
    const found = await cache.match("http://a/x");
    assertEquals([await found!.text(), found!.headers.get("x-a")], ["kept", "1"]);
  } finally {
    await caches.delete("mpmd-response-test");
  }
  assertThrows(() => structuredClone(new Own("x")), DOMException);
  assertEquals(Deno.inspect(new Own("x")), Deno.inspect(new Native("x")));
  assertEquals(new Headers(new Own("x", { headers: { "x-a": "1" } }).headers).get("x-a"), "1");
});
