// Does a whole server answer every vector as the parser understands it, whole and byte by byte? One server per set of options,
// with an application that says what it was asked.

import { assert, assertEquals } from "@std/assert";
import { normalisePath } from "../../server/http/content/mod.ts";
import { TestServer } from "../system/harness.ts";
import { drive } from "./drive.ts";
import { converse, type SeenResponse, takeApart } from "./live_client.ts";
import { expand, type ExpectedRequest, latin1Bytes, loadVectors, type Vector } from "./vectors.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

/** Longer inputs are not sent byte by byte. */
const SHORT = 300;
/** Connections at a time. */
const AT_ONCE = 24;

const APP = `
export default {
  async fetch(request: Request): Promise<Response> {
    const { method, url } = request;
    const bytes = /^(?:get|head)$/i.test(method) ? [] : await request.bytes();
    return Response.json({ method, url, body: Array.from(bytes, (byte) => String.fromCharCode(byte)).join("") });
  },
};
`;

/** What the connection goes on with where a vector leaves it open. */
const SENTINEL = "GET /sentinel HTTP/1.1\r\nHost: sentinel\r\nConnection: close\r\n\r\n";

/** Errors that are found in a body: the request before them has been accepted, but gets the error as its answer. */
const BODY_ERRORS = new Set(["AH01588", "AH01590", "AH01591", "AH02656"]);
/** After these the connection is not used again (http-core.md 5). */
const DROPPED = new Set([400, 408, 411, 413, 414, 500, 501, 503]);

function configuration(mode: string, options: NonNullable<Vector["options"]>): string {
  const lines = [
    "Listen 127.0.0.1:@PORT@",
    "ServerName localhost",
    "Application app.ts",
    "MaxKeepAliveRequests 0",
    "StartServers 1",
    "ThreadsPerChild 1",
    `HttpProtocolOptions ${mode} ${
      options.lenientMethods === false ? "RegisteredMethods" : "LenientMethods"
    } ${options.allow09 === false ? "Require1.0" : "Allow0.9"}`,
  ];
  if (options.registeredMethods !== undefined) {
    lines.push(`RegisterHttpMethod ${options.registeredMethods.join(" ")}`);
  }
  for (
    const [name, value] of [
      ["LimitRequestLine", options.limitRequestLine],
      ["LimitRequestFieldSize", options.limitRequestFieldSize],
      ["LimitRequestFields", options.limitRequestFields],
      ["LimitRequestBody", options.limitRequestBody],
    ]
  ) {
    if (value !== undefined) lines.push(`${name} ${value}`);
  }
  return lines.join("\n") + "\n";
}

/** One response that is to come. */
interface Awaited {
  readonly method: string;
  readonly status: number;
  readonly request?: ExpectedRequest;
}

/** What is to come on the connection of a vector, and how the client ends its input. */
interface Plan {
  readonly responses: readonly Awaited[];
  readonly ending: "server closes" | "sentinel" | "half-close";
  /** HTTP/0.9: the answer is a bare body. */
  readonly bare: boolean;
}

function statusOf(expected: ExpectedRequest, form: string): number {
  if (form === "authority") return 405;
  if (form === "asterisk") return 200;
  const target = expand(expected.target).replace(/^[a-z]+:\/\/[^/?]*/i, "").replace(/\?.*$/s, "");
  const options = { mergeSlashes: true, allowEncodedSlashes: "off", windows: false } as const;
  const normal = normalisePath(target === "" ? "/" : target, options);
  return normal.path === undefined ? normal.status : 200;
}

function planOf(vector: Vector, input: Uint8Array): Plan {
  const strict = vector.mode !== "Unsafe";
  const { registeredMethods, ...options } = vector.options ?? {};
  const seen = drive(input, { ...options, strict, registeredMethods: new Set(registeredMethods) });
  const { then } = vector;
  const inBody = then === "body" ||
    (typeof then === "object" && then.ah !== undefined && BODY_ERRORS.has(then.ah));
  const responses: Awaited[] = [];
  const bare = vector.expect.some(({ version }) => version === "0.9");
  for (const [index, expected] of vector.expect.entries()) {
    const status = statusOf(expected, seen.requests[index].form);
    const broken = inBody && index === vector.expect.length - 1;
    if (broken && status === 200) break;
    responses.push({ method: expected.method, status, request: expected });
    if (DROPPED.has(status)) return { responses, ending: "server closes", bare };
  }
  if (typeof then === "object") {
    responses.push({ method: "", status: then.error });
    return { responses, ending: "server closes", bare };
  }
  if (then !== "clean") {
    responses.push({ method: "", status: 400 });
    return { responses, ending: "half-close", bare };
  }
  const last = seen.requests.at(-1);
  const close = vector.close ?? (last !== undefined && (last.closeAfter || !last.keepAlive));
  if (close) return { responses, ending: "server closes", bare };
  // A single CR may be the beginning of a blank line: nothing but that line's end can follow. And the sentinel must not be
  // beyond the limits itself.
  const { limitRequestLine, limitRequestFieldSize, limitRequestFields } = options;
  const limited = limitRequestLine !== undefined || limitRequestFieldSize !== undefined ||
    limitRequestFields !== undefined;
  if (input.at(-1) === 13 || last === undefined || limited) return { responses, ending: "half-close", bare };
  responses.push({ method: "GET", status: 200 });
  return { responses, ending: "sentinel", bare };
}

async function check(vector: Vector, port: number, singly: boolean): Promise<void> {
  const text = expand(vector.input);
  const plan = planOf(vector, latin1Bytes(text));
  const bytes = latin1Bytes(plan.ending === "sentinel" ? text + SENTINEL : text);
  const { text: answer, reset } = await converse(port, bytes, {
    singly,
    halfClose: plan.ending === "half-close",
  });
  // Also a client that goes on sending can read what is said of it.
  assert(!reset, "the connection was reset");
  if (plan.bare) {
    assert(!answer.startsWith("HTTP/"), answer);
    return assertEquals(JSON.parse(answer).method, "GET");
  }
  const { responses, rest } = takeApart(answer, plan.responses.map(({ method }) => method));
  const got = responses.map(({ status }) => status).join(" ");
  const due = plan.responses.map(({ status }) => status).join(" ");
  // One line for each, for there may be many.
  assert(
    got === due && rest === "",
    `${got || "nothing"} instead of ${due || "nothing"}, then ${JSON.stringify(rest)}`,
  );
  for (const [index, { request, status }] of plan.responses.entries()) {
    if (request !== undefined && status === 200) checkEcho(responses[index], request);
  }
  const ending = responses.at(-1);
  if (plan.ending !== "half-close" && ending !== undefined) {
    assertEquals(ending.fields.get("connection"), "close", "the last response announces the end");
  }
  for (const response of responses.slice(0, -1)) {
    assert(response.fields.get("connection") !== "close", "only the last response announces the end");
  }
}

/** The application understood what the vector says. */
function checkEcho(response: SeenResponse, expected: ExpectedRequest): void {
  if (!response.fields.get("content-type")?.includes("json") || response.body === "") return;
  const echo = JSON.parse(new TextDecoder().decode(latin1Bytes(response.body)));
  assertEquals(echo.method, expected.method);
  assert(echo.url.endsWith(expand(expected.target)), `${echo.url} is not for ${expand(expected.target)}`);
  const bodyless = /^(?:get|head)$/i.test(expected.method);
  if (expected.body !== undefined && !bodyless) assertEquals(echo.body, expected.body);
}

/** Checks all of `list`, some at a time. Returns what went wrong. */
async function checkAll(list: readonly Vector[], port: number, singly: boolean): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const work = async () => {
    while (next < list.length) {
      const vector = list[next++];
      try {
        await check(vector, port, singly);
      } catch (error) {
        wrong.push(`${vector.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return wrong;
}

const groups = new Map<string, Vector[]>();
for (const vector of [...loadVectors().values()].flat()) {
  const key = JSON.stringify([vector.mode ?? "Strict", vector.options ?? {}]);
  groups.set(key, [...groups.get(key) ?? [], vector]);
}

for (const [key, list] of groups) {
  const [mode, options] = JSON.parse(key);
  Deno.test({ name: `live vectors: ${mode} ${JSON.stringify(options)}`, ignore: !unix }, async () => {
    await using server = await TestServer.start({
      config: configuration(mode, options),
      files: { "app.ts": APP },
    });
    const short = list.filter(({ input }) => expand(input).length <= SHORT);
    assertEquals(await checkAll(list, server.port, false), []);
    assertEquals(await checkAll(short, server.port, true), [], "byte by byte");
  });
}
