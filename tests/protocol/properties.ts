// What holds for every input? The tests check each property shortly, the fuzzer at length.

import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import type { ParserOptions } from "../../server/http/parser/mod.ts";
import {
  anyBytes,
  cutsOf,
  damagedRequests,
  serialize,
  type ValidRequest,
  validRequest,
} from "./arbitraries.ts";
import { drive, type SeenRequest } from "./drive.ts";
import { latin1Bytes } from "./vectors.ts";

/** Limits that small inputs reach, and the defaults; both modes. */
const OPTIONS: readonly ParserOptions[] = [
  {},
  { strict: false },
  { limitRequestLine: 20, limitRequestFieldSize: 24, limitRequestFields: 3, limitRequestBody: 5 },
  {
    strict: false,
    limitRequestLine: 20,
    limitRequestFieldSize: 24,
    limitRequestFields: 3,
    limitRequestBody: 5,
  },
  { lenientMethods: false, allow09: false, limitRequestBody: 0 },
];
const options = fc.constantFrom(...OPTIONS);

/** The statuses of protocol errors; nothing else comes out of the parser. */
const STATUSES = new Set([400, 413, 414, 417, 501]);

function sameHoweverCut(bytes: Uint8Array, settings: ParserOptions, cuts: number[]): void {
  const whole = drive(bytes, settings);
  assertEquals(drive(bytes, settings, cuts), whole);
  if (typeof whole.then === "object") assert(STATUSES.has(whole.then.error));
}

/** The members of what was seen that a valid request determines. */
function meaning({ method, target, version, fields, body, trailers, keepAlive }: SeenRequest): unknown {
  return { method, target, version, fields, body, trailers, keepAlive };
}

/** What the parser is to make of a valid request. */
function intended(request: ValidRequest): unknown {
  const { method, target, minor, fields, connection, body, trailers } = request;
  const keepAlive = minor === 0 ? /keep-alive/i.test(connection ?? "") : connection !== "close";
  const framing: [string, string][] = body === undefined
    ? []
    : [typeof body === "string" ? ["Content-Length", `${body.length}`] : ["Transfer-Encoding", "chunked"]];
  const merged = new Map<string, string>();
  for (const [name, value] of typeof body === "object" ? trailers : []) {
    const before = merged.get(name.toLowerCase());
    merged.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
  return {
    method,
    target,
    version: `1.${minor}`,
    fields: [
      ["Host", "a.example:8080"],
      ...fields,
      ...(connection === undefined ? [] : [["Connection", connection]]),
      ...framing,
    ],
    body: typeof body === "object" ? body.join("") : body ?? "",
    trailers: Object.fromEntries(merged),
    keepAlive,
  };
}

/** Tries a property; returns the report of a counterexample, or undefined if there is none. */
type Check = (parameters: { readonly numRuns: number; readonly seed?: number }) => string | undefined;

function holds<T>(inputs: fc.Arbitrary<T>, predicate: (input: T) => void): Check {
  return (parameters) => {
    const result = fc.check(fc.property(inputs, predicate), parameters);
    return result.failed ? fc.defaultReportMessage(result) : undefined;
  };
}

/** `bytes` with some offsets to cut them at, and the settings to read them with. */
function cutSomewhere(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<[Uint8Array, ParserOptions, number[]]> {
  return bytes.chain((input) => fc.tuple(fc.constant(input), options, cutsOf(input.length)));
}

/** By name: what holds. */
export const PROPERTIES: Readonly<Record<string, Check>> = {
  "any bytes, however they are cut, give the same requests and the same end": holds(
    cutSomewhere(anyBytes),
    (input) => sameHoweverCut(...input),
  ),

  "any bytes give the same one by one": holds(
    fc.tuple(anyBytes, options),
    ([bytes, settings]) => sameHoweverCut(bytes, settings, [...bytes.keys()]),
  ),

  "damaged requests, however they are cut, give the same": holds(
    cutSomewhere(damagedRequests),
    (input) => sameHoweverCut(...input),
  ),

  "a valid request is understood as it was meant": holds(validRequest, (request) => {
    const { requests, then } = drive(latin1Bytes(serialize(request)), { limitRequestBody: 0 });
    assertEquals(then, "clean");
    assertEquals(requests.map(meaning), [intended(request)]);
  }),

  "what was parsed and is sent again is parsed to the same": holds(validRequest, (request) => {
    const [first] = drive(latin1Bytes(serialize(request)), {}).requests;
    const fields = first.fields.filter(([name]) => !/^(transfer-encoding|content-length)$/i.test(name));
    const head = [
      `${first.method} ${first.target} HTTP/${first.version}`,
      ...fields.map(([n, v]) => `${n}:${v}`),
    ];
    const again = `${head.join("\r\n")}\r\nContent-Length:${first.body.length}\r\n\r\n${first.body}`;
    const { requests, then } = drive(latin1Bytes(again), {});
    assertEquals(then, "clean");
    const framed = {
      ...first,
      fields: [...fields, ["Content-Length", `${first.body.length}`]] as const,
      trailers: {},
    };
    assertEquals(requests.map(meaning), [meaning(framed)]);
  }),

  "requests behind each other are the requests one by one": holds(
    fc.array(validRequest.map((request) => ({ ...request, minor: 1, connection: undefined })), {
      maxLength: 4,
    }),
    (list) => {
      const { requests, then } = drive(latin1Bytes(list.map(serialize).join("")), {});
      assertEquals(then, "clean");
      assertEquals(requests.map(meaning), list.map(intended));
    },
  ),
};
