// How does a frame look on the wire? Types, flags and settings of RFC 9113, 4 and 6, and the frames that a server sends.

import type { OutputBuffer } from "../engine/output.ts";

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
  /** RFC 9218, 7.1. */
  PriorityUpdate: 16,
} as const;

export const Flag = {
  EndStream: 1,
  Ack: 1,
  EndHeaders: 4,
  Padded: 8,
  Priority: 32,
} as const;

export const Setting = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
  /** RFC 8441, 3. */
  EnableConnectProtocol: 8,
  /** RFC 9218, 2.1. */
  NoRfc7540Priorities: 9,
} as const;

/** Bytes in front of every payload. */
export const FRAME_HEAD = 9;
/** SETTINGS_MAX_FRAME_SIZE of both sides until they say otherwise; we never do. */
export const MAX_FRAME = 16_384;
/** The payload of a DATA frame that fills a record of TLS (RFC 8446, 5.1) with its head: records and frames keep in step. */
export const RECORD_DATA = 16_384 - FRAME_HEAD;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;

/** What a client sends first (RFC 9113, 3.4). */
export const PREFACE: Uint8Array<ArrayBuffer> = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Whether a connection that begins with the first `length` of `bytes` begins so; undefined: they are too few to tell. */
export function beginsAsHttp2(bytes: Uint8Array, length: number): boolean | undefined {
  const seen = Math.min(length, PREFACE.length);
  for (let i = 0; i < seen; i++) if (bytes[i] !== PREFACE[i]) return false;
  return seen === PREFACE.length ? true : undefined;
}

/** Writes the head of a frame into `bytes` at `at`. */
export function putFrameHead(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  bytes[at] = length >> 16;
  bytes[at + 1] = length >> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  putU32(bytes, at + 5, stream);
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}

export function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]) >>> 0;
}

/** Appends the head of a frame. */
export function frameHead(
  output: OutputBuffer,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  output.reserve(FRAME_HEAD);
  putFrameHead(output.bytes, output.length, length, type, flags, stream);
  output.length += FRAME_HEAD;
}

function frameOfU32(output: OutputBuffer, type: number, stream: number, value: number): void {
  frameHead(output, 4, type, 0, stream);
  output.reserve(4);
  putU32(output.bytes, output.length, value);
  output.length += 4;
}

export function writeRstStream(output: OutputBuffer, stream: number, code: number): void {
  frameOfU32(output, FrameType.RstStream, stream, code);
}

export function writeWindowUpdate(output: OutputBuffer, stream: number, increment: number): void {
  frameOfU32(output, FrameType.WindowUpdate, stream, increment);
}

export function writeSettings(
  output: OutputBuffer,
  settings: readonly (readonly [id: number, value: number])[],
): void {
  frameHead(output, settings.length * 6, FrameType.Settings, 0, 0);
  output.reserve(settings.length * 6);
  for (const [id, value] of settings) {
    output.bytes[output.length] = id >> 8;
    output.bytes[output.length + 1] = id;
    putU32(output.bytes, output.length + 2, value);
    output.length += 6;
  }
}

export function writeSettingsAck(output: OutputBuffer): void {
  frameHead(output, 0, FrameType.Settings, Flag.Ack, 0);
}

/** `payload`: the eight bytes of the PING. */
export function writePingAck(output: OutputBuffer, payload: Uint8Array): void {
  frameHead(output, 8, FrameType.Ping, Flag.Ack, 0);
  output.append(payload);
}

export function writeGoAway(output: OutputBuffer, lastStream: number, code: number): void {
  frameHead(output, 8, FrameType.GoAway, 0, 0);
  output.reserve(8);
  putU32(output.bytes, output.length, lastStream);
  putU32(output.bytes, output.length + 4, code);
  output.length += 8;
}
