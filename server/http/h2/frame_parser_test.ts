// Are frames found however their bytes arrive, and what is wrong with one?

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { OutputBuffer } from "../engine/output.ts";
import { ConnectionError, ErrorCode, StreamError } from "./error.ts";
import { Flag, frameHead, FrameType, PREFACE, writeSettings } from "./frame.ts";
import { FrameEvent, FrameParser } from "./frame_parser.ts";

interface Told {
  readonly event: number;
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: string;
}

/** Everything that `parser` tells of `pieces`; pieces of DATA are put together. */
function told(pieces: readonly Uint8Array[], parser = new FrameParser()): Told[] {
  const list: Told[] = [];
  let data: number[] = [];
  for (const piece of pieces) {
    for (let pos = 0;; pos = parser.pos) {
      const event = parser.next(piece, pos, piece.length);
      if (event === FrameEvent.NeedData) break;
      if (event === FrameEvent.DataBegin) data = [];
      else if (event === FrameEvent.DataPiece) data.push(...parser.bytes.subarray(parser.start, parser.end));
      else {
        const { type, flags, stream, bytes, start, end } = parser;
        const payload = event === FrameEvent.DataEnd ? Uint8Array.from(data) : bytes.slice(start, end);
        list.push({ event, type, flags, stream, payload: payload.toHex() });
      }
    }
  }
  return list;
}

function frame(type: number, flags: number, stream: number, payload: readonly number[]): Uint8Array {
  const output = new OutputBuffer(64);
  frameHead(output, payload.length, type, flags, stream);
  output.append(Uint8Array.from(payload));
  return output.bytes.slice(0, output.length);
}

function begun(...frames: Uint8Array[]): Uint8Array {
  const output = new OutputBuffer(64);
  output.append(PREFACE);
  writeSettings(output, [[4, 100_000]]);
  for (const each of frames) output.append(each);
  return output.bytes.slice(0, output.length);
}

const SOME: Uint8Array = begun(
  frame(FrameType.Headers, Flag.EndHeaders | Flag.Padded | Flag.Priority, 1, [2, 0, 0, 0, 3, 9, 0x82, 0, 0]),
  frame(FrameType.Data, Flag.Padded, 1, [3, 65, 66, 67, 0, 0, 0]),
  frame(FrameType.Data, 0, 1, []),
  frame(FrameType.Headers, Flag.EndStream, 3, [0x82, 0x84]),
  frame(FrameType.Continuation, 0, 3, [0x86]),
  frame(FrameType.Continuation, Flag.EndHeaders, 3, [0x87]),
  frame(FrameType.Ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
  frame(99, 0, 7, [1, 2, 3]),
  frame(FrameType.Data, Flag.EndStream, 1, new Array(500).fill(7)),
);

Deno.test("frames: the events of a connection's beginning", () => {
  assertEquals(told([SOME]).map(({ event, stream, flags }) => [event, stream, flags]), [
    [FrameEvent.Frame, 0, 0],
    [FrameEvent.Headers, 1, 44],
    [FrameEvent.DataEnd, 1, 8],
    [FrameEvent.DataEnd, 1, 0],
    [FrameEvent.Headers, 3, 1],
    [FrameEvent.Frame, 0, 0],
    [FrameEvent.Frame, 7, 0],
    [FrameEvent.DataEnd, 1, 1],
  ]);
  const [, headers, data, , continued] = told([SOME]);
  assertEquals([headers.payload, data.payload, continued.payload], ["82", "414243", "82848687"]);
});

Deno.test("frames: it makes no difference where the bytes are cut", () => {
  const whole = told([SOME]);
  for (let cut = 0; cut <= SOME.length; cut++) {
    assertEquals(told([SOME.slice(0, cut), SOME.slice(cut)]), whole);
  }
  assertEquals(told([...SOME].map((byte) => Uint8Array.of(byte))), whole);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
      const pieces: Uint8Array[] = [];
      for (let at = 0, i = 0; at < SOME.length; i++) {
        pieces.push(SOME.slice(at, at + sizes[i % sizes.length]));
        at += sizes[i % sizes.length];
      }
      assertEquals(told(pieces), whole);
    }),
  );
});

Deno.test("frames: what is wrong with one ends the connection, with its code", () => {
  const { ProtocolError, FrameSizeError, EnhanceYourCalm } = ErrorCode;
  const headers = frame(FrameType.Headers, 0, 1, [0x82]);
  const cases: [string, Uint8Array, number][] = [
    ["no preface", new TextEncoder().encode("GET / HTTP/1.1\r\n"), ProtocolError],
    [
      "no SETTINGS",
      Uint8Array.from([...PREFACE, ...frame(FrameType.Ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])]),
      ProtocolError,
    ],
    ["too large", begun(frame(FrameType.Ping, 0, 0, new Array(16_385).fill(0))), FrameSizeError],
    ["DATA without a stream", begun(frame(FrameType.Data, 0, 0, [1])), ProtocolError],
    ["HEADERS without a stream", begun(frame(FrameType.Headers, 4, 0, [1])), ProtocolError],
    ["PUSH_PROMISE", begun(frame(FrameType.PushPromise, 4, 1, [0, 0, 0, 2])), ProtocolError],
    ["SETTINGS of 5 bytes", begun(frame(FrameType.Settings, 0, 0, [1, 2, 3, 4, 5])), FrameSizeError],
    ["SETTINGS with a stream", begun(frame(FrameType.Settings, 0, 1, [])), ProtocolError],
    [
      "an acknowledgement with settings",
      begun(frame(FrameType.Settings, 1, 0, [0, 4, 0, 0, 0, 1])),
      FrameSizeError,
    ],
    ["PING of 7 bytes", begun(frame(FrameType.Ping, 0, 0, [1, 2, 3, 4, 5, 6, 7])), FrameSizeError],
    ["RST_STREAM of 3 bytes", begun(frame(FrameType.RstStream, 0, 1, [1, 2, 3])), FrameSizeError],
    ["WINDOW_UPDATE of 5 bytes", begun(frame(FrameType.WindowUpdate, 0, 0, [1, 2, 3, 4, 5])), FrameSizeError],
    ["padding beyond DATA", begun(frame(FrameType.Data, Flag.Padded, 1, [3, 0, 0])), ProtocolError],
    ["padding beyond HEADERS", begun(frame(FrameType.Headers, Flag.Padded | 4, 1, [3, 0, 0])), ProtocolError],
    ["CONTINUATION alone", begun(frame(FrameType.Continuation, 4, 1, [1])), ProtocolError],
    ["another frame within a block", begun(headers, frame(FrameType.Data, 0, 1, [1])), ProtocolError],
    [
      "another stream within a block",
      begun(headers, frame(FrameType.Continuation, 4, 3, [1])),
      ProtocolError,
    ],
    [
      "a CONTINUATION flood",
      begun(headers, ...new Array(40).fill(frame(FrameType.Continuation, 0, 1, []))),
      EnhanceYourCalm,
    ],
    [
      "a block that is too large",
      begun(headers, ...new Array(6).fill(frame(FrameType.Continuation, 0, 1, new Array(16_384).fill(0)))),
      EnhanceYourCalm,
    ],
  ];
  for (const [what, bytes, code] of cases) {
    assertEquals(assertThrows(() => told([bytes]), ConnectionError).code, code, what);
  }
});

Deno.test("frames: PRIORITY of a wrong size costs its stream only", () => {
  const parser = new FrameParser();
  const bytes = begun(
    frame(FrameType.Priority, 0, 5, [1]),
    frame(FrameType.Ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
  );
  const error = assertThrows(() => told([bytes], parser), StreamError);
  assertEquals([error.stream, error.code], [5, ErrorCode.FrameSizeError]);
  assertEquals(told([bytes.slice(parser.pos)], parser).map(({ type }) => type), [FrameType.Ping]);
});

Deno.test("frames: who announces large frames and sends little gets little memory", () => {
  const parser = new FrameParser();
  const bytes = begun(frame(FrameType.Headers, 4, 1, new Array(16_000).fill(0)));
  told([bytes.slice(0, PREFACE.length + 15 + 9 + 10)], parser);
  assertEquals(parser.memory <= 128, true);
  told([bytes.slice(PREFACE.length + 15 + 9 + 10)], parser);
  assertEquals(parser.memory <= 1024, true);
});

Deno.test("frames: no bytes make the parser throw anything but its errors", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (pieces) => {
      try {
        told([begun(), ...pieces]);
      } catch (error) {
        if (!(error instanceof ConnectionError) && !(error instanceof StreamError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
