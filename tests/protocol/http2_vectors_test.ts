// Does a request get the status over HTTP/2 that it gets over HTTP/1.1? Every vector that has a form there, by the engine with the
// options of each, and by a whole server with the default ones.

import { assert, assertEquals } from "@std/assert";
import { FakeService, settle, text } from "../../server/http/engine/test_support.ts";
import { ErrorCode } from "../../server/http/h2/error.ts";
import { FrameReader, joined, preface, type Received, TestHttp2 } from "../../server/http/h2/test_support.ts";
import { FrameType } from "../../server/http/h2/frame.ts";
import { inTime, TestServer } from "../system/harness.ts";
import { drive } from "./drive.ts";
import { asHttp2, framesOf, type Http2Request } from "./http2_vectors.ts";
import { converse, takeApart } from "./live_client.ts";
import { expand, latin1Bytes, loadVectors, type Vector } from "./vectors.ts";

/** What httpd limits a body to that has no LimitRequestBody. */
const DEFAULT_BODY_LIMIT = 2 ** 30;
/** Errors that are found in a body, whose head has been accepted. */
const BODY_ERRORS: ReadonlySet<string | undefined> = new Set(["AH01588", "AH01591", "AH02656"]);

/** What is counted or written in another way over HTTP/2, so that the answers may differ. */
const OTHER_FORM: readonly RegExp[] = [
  // There is no version in what is asked for, blanks around a value are none of its bytes, and the host is no field.
  /^request line of 8191 bytes|^LimitRequestLine 13 |^field of blanks|^LimitRequestFieldSize 6 |^101 fields|^LimitRequestFields 1 with two/,
  // The authority of a target is said once.
  /^absolute URI without Host|^absolute URI with an invalid Host|^absolute URI with two Host/,
  // RFC 9113, 8.3.1: no user in an authority.
  /^Unsafe: user and password of an absolute URI|^Unsafe: the last @/,
  // RFC 9113, 8.2.2: no Transfer-Encoding anywhere.
  /framing trailers mean nothing/,
];

interface Asked {
  readonly vector: Vector;
  readonly request: Http2Request;
  /** The status over HTTP/1.1. */
  readonly due: number;
}

function has<T extends object>(value: T | string): value is T {
  return typeof value === "object";
}

/** The requests of `vector` that have a form over HTTP/2, with what the parser of HTTP/1.1 makes of each. */
function askedBy(vector: Vector): Asked[] {
  const input = expand(vector.input);
  const requests = OTHER_FORM.some((form) => form.test(vector.name)) ? undefined : asHttp2(input);
  if (requests === undefined) return [];
  const seen = drive(latin1Bytes(input), parserOptions(vector));
  const due: number[] = seen.requests.map(() => 200);
  if (has(seen.then)) {
    if (BODY_ERRORS.has(seen.then.ah)) due.length = Math.min(due.length, requests.length - 1);
    due.push(seen.then.error);
  }
  return requests.slice(0, due.length).map((request, i) => ({ vector, request, due: due[i] }))
    .filter(({ request, due }) => request.whole || due !== 200);
}

function parserOptions({ mode, options = {} }: Vector) {
  const { registeredMethods, ...rest } = options;
  return { ...rest, strict: mode !== "Unsafe", registeredMethods: new Set(registeredMethods) };
}

/** Whether a stream may be reset instead of answered: RFC 9113, 8.1.1 calls more malformed, and knows no Unsafe. */
function mayReset({ vector, due }: Asked): boolean {
  return due === 400 ||
    (vector.mode === "Unsafe" && /^Unsafe: (name|value) with|passes under Unsafe/.test(vector.name));
}

/** What came on the stream 1: a status, or "reset" for what is malformed. */
function outcome(frames: readonly Received[]): string {
  const head = frames.find(({ type }) => type === FrameType.Headers);
  if (head !== undefined) return head.fields.find(([name]) => name === ":status")![1];
  const code = frames.find(({ type }) => type === FrameType.RstStream)?.code;
  return code === ErrorCode.ProtocolError ? "reset" : `nothing (${code})`;
}

Deno.test("vectors over HTTP/2: the engine gives the statuses of HTTP/1.1, with every set of options", async () => {
  const asked = [...loadVectors().values()].flat().flatMap(askedBy);
  assert(asked.length > 900, `${asked.length} requests have a form over HTTP/2`);
  const clients = asked.map(({ vector, request }) => {
    const service = new FakeService(() => text("ok"), { parser: parserOptions(vector) });
    service.limit = vector.options?.limitRequestBody ?? DEFAULT_BODY_LIMIT;
    const client = new TestHttp2(service);
    client.receive(framesOf(request, 1));
    return client;
  });
  await settle();
  const wrong: string[] = [];
  for (const [i, client] of clients.entries()) {
    client.look();
    const got = outcome(client.frames.filter(({ stream }) => stream === 1));
    if (got === String(asked[i].due) || (got === "reset" && mayReset(asked[i]))) continue;
    wrong.push(`${asked[i].vector.name}: ${got} instead of ${asked[i].due}`);
  }
  assertEquals(wrong, []);
});

/** The frames of stream 1 until it is over. */
async function askOnce(port: number, request: Http2Request): Promise<Received[]> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const reader = new FrameReader();
  const bytes = joined(preface(), framesOf(request, 1));
  const frames: Received[] = [];
  const buffer = new Uint8Array(65_536);
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
  for (;;) {
    const n = await conn.read(buffer);
    if (n === null) return frames;
    frames.push(...reader.push(buffer.subarray(0, n)).filter(({ stream }) => stream === 1));
    // The head says it; what follows is of no interest.
    if (frames.some(({ type }) => type !== FrameType.Data)) return frames;
  }
}

/** Connections at a time. */
const AT_ONCE = 24;

Deno.test({
  name: "vectors over HTTP/2: a whole server gives the statuses of HTTP/1.1",
  ignore: Deno.build.os !== "linux" && Deno.build.os !== "darwin",
  async fn() {
    await using server = await TestServer.start({
      config: `Listen 127.0.0.1:@PORT@
ServerName localhost
Protocols h2c http/1.1
Application app.ts
MaxKeepAliveRequests 0
StartServers 1
ThreadsPerChild 1
`,
      files: {
        "app.ts": `
export default {
  async fetch(request: Request): Promise<Response> {
    if (request.body !== null) await request.bytes();
    return new Response("ok");
  },
};
`,
      },
    });
    const { port } = server;
    const vectors = [...loadVectors().values()].flat().filter(({ mode, options }) =>
      mode !== "Unsafe" && options === undefined
    ).map((vector) => ({ vector, asked: askedBy(vector) })).filter(({ asked }) => asked.length > 0);
    const wrong: string[] = [];
    const work = vectors.values();
    await inTime(
      "all vectors",
      Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (const { vector, asked } of work) {
          const { text: answer } = await converse(port, latin1Bytes(expand(vector.input)), {
            halfClose: true,
          });
          const { responses } = takeApart(answer, vector.expect.map(({ method }) => method));
          for (const [i, each] of asked.entries()) {
            const due = responses[i]?.status;
            const got = outcome(await askOnce(port, each.request));
            if (got === String(due) || (got === "reset" && due === 400)) continue;
            wrong.push(`${vector.name}: ${got} instead of ${due}`);
          }
        }
      })),
    );
    assertEquals(wrong, []);
  },
});
