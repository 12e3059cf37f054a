// Which responses may an application make? One handler for each form, by path. The module is loaded by this server and by `deno serve`;
// response_forms_test.ts says what goes over the wire.

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);

function pieces(...texts: (string | Error)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await undefined;
      const next = texts.shift();
      if (next === undefined) controller.close();
      else if (typeof next === "string") controller.enqueue(bytes(next));
      else controller.error(next);
    },
  });
}

const lengthOf = (length: number | string, more: Record<string, string> = {}) => ({
  headers: { "content-length": String(length), ...more },
});

type Handler = (request: Request) => Response | Promise<Response>;

/** The forms. */
export const FORMS: Readonly<Record<string, Handler>> = {
  "string": () => new Response("text"),
  "empty-string": () => new Response(""),
  "null": () => new Response(null),
  "no-arguments": () => new Response(),
  "bytes": () => new Response(bytes("bytes")),
  "array-buffer": () => new Response(bytes("buffer").buffer),
  "parameters": () => new Response(new URLSearchParams({ a: "1", b: "ö" })),
  "blob": () => new Response(new Blob(["blob"], { type: "x/y" })),
  "blob-stream": () => new Response(new Blob(["blob"]).stream()),
  "json": () => Response.json({ a: [1, "ö"] }),
  "json-status": () => Response.json({ a: 1 }, { status: 422, headers: { "x-a": "b" } }),
  "redirect": () => Response.redirect("http://example.com/there", 307),
  "error": () => Response.error(),
  "not-a-response": () => "text" as unknown as Response,
  "throws": () => {
    throw new Error("on purpose");
  },
  "rejects": () => Promise.reject(new Error("on purpose")),
  "status-204": () => new Response(null, { status: 204 }),
  "status-205": () => new Response(null, { status: 205 }),
  "status-304": () => new Response(null, { status: 304, headers: { etag: '"a"' } }),
  "status-304-length": () => new Response(null, { status: 304, ...lengthOf(5) }),
  "status-599": () => new Response("text", { status: 599 }),
  "status-text": () => new Response("text", { status: 418, statusText: "Short and stout" }),
  "stream": () => new Response(pieces("one ", "two")),
  "stream-empty": () => new Response(pieces()),
  "stream-empty-piece": () => new Response(pieces("one ", "", "two")),
  "stream-sized": () => new Response(pieces("one ", "two"), lengthOf(7)),
  "stream-longer": () => new Response(pieces("one ", "two"), lengthOf(5)),
  "stream-shorter": () => new Response(pieces("one"), lengthOf(5)),
  "stream-typed": () => new Response(pieces("a,b"), { headers: { "content-type": "text/csv" } }),
  "stream-fails-first": () => new Response(pieces(new Error("on purpose"))),
  "stream-fails-later": () => new Response(pieces("one ", new Error("on purpose"))),
  "stream-of-strings": () => new Response(ReadableStream.from(["one"]) as unknown as ReadableStream),
  "stream-from": () => new Response(ReadableStream.from([bytes("one "), bytes("two")])),
  "async-iterable": () =>
    new Response((async function* () {
      yield bytes("one ");
      await undefined;
      yield bytes("two");
    })() as unknown as ReadableStream),
  "compressed": () =>
    new Response(new Blob(["text"]).stream().pipeThrough(new CompressionStream("gzip")), {
      headers: { "content-encoding": "gzip" },
    }),
  "own-length": () => new Response("text", lengthOf(4)),
  "own-length-wrong": () => new Response("text", lengthOf(2)),
  "own-length-none": () => new Response("text", lengthOf("many")),
  "own-length-null": () => new Response(null, lengthOf(5)),
  "own-coding": () => new Response("text", { headers: { "transfer-encoding": "gzip" } }),
  "own-chunked": () => new Response(pieces("text"), { headers: { "transfer-encoding": "chunked" } }),
  "own-date": () => new Response("text", { headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" } }),
  "own-server": () => new Response("text", { headers: { server: "mine" } }),
  "own-connection": () => new Response("text", { headers: { connection: "close" } }),
  "own-keep-alive": () => new Response("text", { headers: { "keep-alive": "timeout=9" } }),
  "own-trailer": () => new Response(pieces("text"), { headers: { trailer: "x-sum" } }),
  "own-upgrade": () => new Response("text", { headers: { upgrade: "h2c" } }),
  "own-vary": () => new Response("text", { headers: { vary: "accept-language" } }),
  "cookies": () => new Response("text", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] }),
  "twice": () => new Response("text", { headers: [["x-a", "1"], ["X-A", "2"]] }),
  "empty-value": () => new Response("text", { headers: { "x-a": "" } }),
  "latin1-value": () => new Response("text", { headers: { "x-a": "größer" } }),
  "no-type": () => {
    const made = new Response("text");
    made.headers.delete("content-type");
    return made;
  },
  "empty-type": () => new Response("text", { headers: { "content-type": "" } }),
  "clone": () => new Response("text", { headers: { "x-a": "1" } }).clone(),
  "cloned": () => {
    const made = new Response("text");
    made.clone();
    return made;
  },
  "other-body": () => {
    const other = new Response("text", { status: 201, headers: { "x-a": "1" } });
    return new Response(other.body, other);
  },
  "read-before": async () => {
    const made = new Response("text");
    await made.text();
    return made;
  },
  "locked": () => {
    const made = new Response(pieces("text"));
    made.body!.getReader();
    return made;
  },
  "same-again": (() => {
    const made = new Response("text");
    return () => made;
  })(),
  "method": ({ method }) => new Response(method),
};

export default {
  fetch(request: Request): Response | Promise<Response> {
    const form = FORMS[new URL(request.url).pathname.slice(1)];
    return form === undefined ? new Response("no such form", { status: 404 }) : form(request);
  },
};
