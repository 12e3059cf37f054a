// How is HTTP/2 tested without a client that keeps to the rules? Frames as a test wants them, and what came back, frame by frame.

import { OutputBuffer } from "../engine/output.ts";
import { FakeService, FakeTransport } from "../engine/test_support.ts";
import { Http2Connection } from "./connection.ts";
import { Flag, frameHead, FrameType, PREFACE, putU32, u32, writeSettings } from "./frame.ts";
import { type FieldStore, HeaderDecoder } from "./hpack_decoder.ts";
import { encodeField } from "./hpack_encoder.ts";
import type { Http2Settings } from "./settings.ts";

/** The bytes of a frame. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Iterable<number> = [],
): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(payload);
  const output = new OutputBuffer(16);
  frameHead(output, bytes.length, type, flags, stream);
  output.append(bytes);
  return output.bytes.slice(0, output.length);
}

export function joined(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const output = new OutputBuffer(64);
  for (const piece of pieces) output.append(piece);
  return output.bytes.slice(0, output.length);
}

export type FieldList = readonly (readonly [name: string, value: string])[];

/** A header block of literal fields. */
export function block(fields: FieldList): Uint8Array<ArrayBuffer> {
  const output = new OutputBuffer(256);
  for (const [name, value] of fields) encodeField(output, name, value);
  return output.bytes.slice(0, output.length);
}

/** HEADERS of a request. */
export function request(
  stream: number,
  path: string,
  { method = "GET", ends = true, fields = [], authority = "test.example" }: {
    method?: string;
    ends?: boolean;
    fields?: FieldList;
    authority?: string;
  } = {},
): Uint8Array<ArrayBuffer> {
  const list = [[":method", method], [":scheme", "http"], [":path", path], [
    ":authority",
    authority,
  ]] as const;
  const flags = Flag.EndHeaders | (ends ? Flag.EndStream : 0);
  return frame(FrameType.Headers, flags, stream, block([...list, ...fields]));
}

export function data(stream: number, text: string, ends = false): Uint8Array<ArrayBuffer> {
  return frame(FrameType.Data, ends ? Flag.EndStream : 0, stream, new TextEncoder().encode(text));
}

/** A frame whose payload is a number: WINDOW_UPDATE, RST_STREAM. */
export function numbered(type: number, stream: number, value: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(4);
  putU32(payload, 0, value);
  return frame(type, 0, stream, payload);
}

/** The preface and SETTINGS. */
export function preface(settings: readonly (readonly [number, number])[] = []): Uint8Array<ArrayBuffer> {
  const output = new OutputBuffer(64);
  output.append(PREFACE);
  writeSettings(output, settings);
  return output.bytes.slice(0, output.length);
}

/** A frame that came back. */
export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Of HEADERS, or all of a block. */
  readonly fields: [name: string, value: string][];
  /** Of RST_STREAM and GOAWAY. */
  readonly code: number;
}

class Listed implements FieldStore {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  length = 0;
  readonly fields: [string, string][] = [];

  field(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const text = (from: number, to: number) => String.fromCharCode(...this.bytes.subarray(from, to));
    this.fields.push([text(nameStart, nameEnd), text(valueStart, valueEnd)]);
  }
}

/** Takes what a server sends apart. */
export class FrameReader {
  readonly #decoder = new HeaderDecoder(4096, 1 << 20);
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  push(bytes: Uint8Array): Received[] {
    const all = joined(this.#rest, bytes);
    const list: Received[] = [];
    let at = 0;
    while (at + 9 <= all.length) {
      const length = all[at] << 16 | all[at + 1] << 8 | all[at + 2];
      if (at + 9 + length > all.length) break;
      const type = all[at + 3];
      const flags = all[at + 4];
      const framed = all.slice(at + 9, at + 9 + length);
      const payload = (flags & Flag.Padded) === 0 || type > FrameType.Headers
        ? framed
        : framed.slice(1, framed.length - framed[0]);
      let fields: [string, string][] = [];
      if (type === FrameType.Headers || type === FrameType.Continuation) {
        this.#block = joined(this.#block, payload);
        if ((flags & Flag.EndHeaders) !== 0) {
          const store = new Listed();
          this.#decoder.decode(this.#block, 0, this.#block.length, store);
          fields = store.fields;
          this.#block = new Uint8Array(0);
        }
      }
      const code = type === FrameType.RstStream
        ? u32(payload, 0)
        : type === FrameType.GoAway
        ? u32(payload, 4)
        : 0;
      list.push({ type, flags, stream: u32(all, at + 5), payload, fields, code });
      at += 9 + length;
    }
    this.#rest = all.slice(at);
    return list;
  }
}

export const LIMITS: Http2Settings = {
  maxStreams: 100,
  windowSize: 65_535,
  streamMemory: 65_536,
  maxDataFrame: 0,
  webSockets: false,
  padding: 0,
};

/** A connection between a test and a handler. */
export class TestHttp2 {
  readonly transport = new FakeTransport();
  readonly connection: Http2Connection;
  /** Everything that came back. */
  readonly frames: Received[] = [];
  readonly #reader = new FrameReader();
  #read = 0;

  constructor(
    readonly service: FakeService,
    limits: Partial<Http2Settings> = {},
    settings: readonly (readonly [number, number])[] = [],
  ) {
    this.connection = new Http2Connection(service, { ...LIMITS, ...limits });
    this.connection.open(this.transport);
    this.receive(preface(settings));
  }

  /** The client sends these frames, in one piece. Nothing is received once the connection has ended. */
  receive(...frames: readonly Uint8Array[]): void {
    if (this.transport.ended !== undefined) return;
    const bytes = joined(...frames);
    this.connection.onData(bytes, bytes.length);
    bytes.fill(0xaa);
    this.look();
  }

  /** Reads what was sent meanwhile. */
  look(): void {
    const { sent } = this.transport;
    const bytes = Uint8Array.from(sent.slice(this.#read), (char) => char.charCodeAt(0));
    this.#read = sent.length;
    this.frames.push(...this.#reader.push(bytes));
  }

  of(type: number, stream?: number): Received[] {
    return this.frames.filter((each) =>
      each.type === type && (stream === undefined || each.stream === stream)
    );
  }

  /** The body of `stream`, as far as it has come. */
  body(stream: number): string {
    return this.of(FrameType.Data, stream).map(({ payload }) => new TextDecoder("latin1").decode(payload))
      .join("");
  }

  status(stream: number): string | undefined {
    return this.of(FrameType.Headers, stream)[0]?.fields.find(([name]) => name === ":status")?.[1];
  }

  /** The response of `stream` is over. */
  ended(stream: number): boolean {
    return this.frames.some((each) =>
      each.stream === stream && each.type <= 1 && (each.flags & Flag.EndStream) !== 0
    );
  }

  /** The code of the GOAWAY that was the end; undefined: there was none. */
  get goneFor(): number | undefined {
    return this.of(FrameType.GoAway).at(-1)?.code;
  }

  /** The code with which `stream` was reset. */
  resetFor(stream: number): number | undefined {
    return this.of(FrameType.RstStream, stream)[0]?.code;
  }
}
