// How do bytes become frames? The receiving side of an HTTP/2 connection, without I/O (RFC 9113, 4 and 6).
//
// Bytes go in by `next(buf, pos, end)`, one event comes out. The pieces of a DATA frame are told as they come, all others when they are
// whole; a header block when its last CONTINUATION is there. A frame that lies in one buffer is read where it lies. Whatever a single
// frame can be wrong about is found here; what depends on what was before is the connection's to find.

import { ConnectionError, ErrorCode, StreamError } from "./error.ts";
import { Flag, FRAME_HEAD, FrameType, MAX_FRAME, PREFACE, u32 } from "./frame.ts";

/** The results of `FrameParser.next()`. */
export const FrameEvent = {
  /** All bytes were read; more are needed. */
  NeedData: 0,
  /** A DATA frame begins: `stream`, and `length`, all of it that flow control counts. */
  DataBegin: 1,
  /** A piece of it: the bytes [start, end) of `bytes`. */
  DataPiece: 2,
  /** It is over; `flags` says whether the stream is. */
  DataEnd: 3,
  /** A header block is complete: the bytes [start, end) of `bytes`. `flags` are those of its HEADERS frame. */
  Headers: 4,
  /** Any other frame: `type`, `flags`, `stream`, and its payload, the bytes [start, end) of `bytes`. */
  Frame: 5,
} as const;

/** Header blocks that are larger end the connection; so do those in more pieces. */
const MOST_BLOCK = 65_536;
const MOST_CONTINUATIONS = 16;
/** Memory for what comes in parts is not kept between frames beyond this. */
const KEPT_SIZE = 1024;

const NOTHING = new Uint8Array(0);

/** The frames of one connection. */
export class FrameParser {
  /** After `next()`: the next unread byte. */
  pos = 0;
  type = 0;
  flags = 0;
  stream = 0;
  /** Of the frame's payload, or of a DATA frame's. */
  length = 0;
  /** What `start` and `end` refer to: the buffer that was passed, or the parser's own. Valid until the next call. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** The stream that a HEADERS or PRIORITY frame says it depends on; undefined: none. */
  dependency: number | undefined = undefined;
  /** A frame that is not whole yet: its head, or head and payload. */
  #store: Uint8Array<ArrayBuffer> = NOTHING;
  #stored = 0;
  /** Bytes of the preface that have been seen. */
  #preface = 0;
  /** SETTINGS has to be the first frame. */
  #first = true;
  /** Of the DATA frame in hand: bytes that are still to come, and how many at its end are padding. */
  #data = -1;
  #padding = 0;
  #padKnown = true;
  /** The header block in hand, its stream (0: none), the flags of its HEADERS, and its CONTINUATION frames. */
  #block: Uint8Array<ArrayBuffer> = NOTHING;
  #blockLength = 0;
  #blockStream = 0;
  #blockFlags = 0;
  #continuations = 0;

  /** A part of a frame, or of a header block, has come. */
  get within(): boolean {
    return this.#stored > 0 || this.#data >= 0 || this.#blockStream !== 0 || this.#first;
  }

  /** Bytes of memory that wait for the rest of a frame. */
  get memory(): number {
    return this.#store.length + this.#block.length;
  }

  /**
   * Reads on in the bytes [pos, end) of `buf`, and returns what it found. To be called again with the rest, [parser.pos, end), until
   * it returns NeedData. @throws ConnectionError, StreamError (the frame is read, and others may follow)
   */
  next(buf: Uint8Array, pos: number, end: number): number {
    if (this.#preface < PREFACE.length) {
      pos = this.#readPreface(buf, pos, end);
      if (this.#preface < PREFACE.length) return this.#needData(pos);
    }
    if (this.#data >= 0) return this.#readData(buf, pos, end);
    for (;;) {
      if (this.#stored > 0) {
        pos = this.#fill(buf, pos, end, FRAME_HEAD);
        if (this.#stored < FRAME_HEAD) return this.#needData(pos);
        const event = this.#storedFrame(buf, pos, end);
        if (event >= 0) return event;
        pos = this.pos;
        continue;
      }
      if (end - pos < FRAME_HEAD) {
        if (pos < end) pos = this.#fill(buf, pos, end, FRAME_HEAD);
        return this.#needData(pos);
      }
      this.#readHead(buf, pos);
      if (this.type === FrameType.Data) return this.#beginData(pos + FRAME_HEAD);
      const stop = pos + FRAME_HEAD + this.length;
      if (stop > end) {
        this.#fill(buf, pos, end, FRAME_HEAD + this.length);
        return this.#needData(end);
      }
      this.pos = stop;
      const event = this.#whole(buf, pos + FRAME_HEAD, stop);
      if (event >= 0) return event;
      pos = stop;
    }
  }

  #needData(pos: number): number {
    this.pos = pos;
    return FrameEvent.NeedData;
  }

  #readPreface(buf: Uint8Array, pos: number, end: number): number {
    while (pos < end && this.#preface < PREFACE.length) {
      if (buf[pos++] !== PREFACE[this.#preface++]) {
        throw new ConnectionError(ErrorCode.ProtocolError, "the connection does not begin as HTTP/2 does");
      }
    }
    return pos;
  }

  /** Goes on with a frame whose head is in the store. Returns the event, or -1 if the frame means nothing yet. */
  #storedFrame(buf: Uint8Array, pos: number, end: number): number {
    this.#readHead(this.#store, 0);
    if (this.type === FrameType.Data) {
      this.#forget();
      return this.#beginData(pos);
    }
    const whole = FRAME_HEAD + this.length;
    pos = this.#fill(buf, pos, end, whole);
    if (this.#stored < whole) return this.#needData(pos);
    this.pos = pos;
    const store = this.#store;
    this.#forget();
    return this.#whole(store, FRAME_HEAD, whole);
  }

  /** Moves bytes into the store until it has `length`. Returns the next unread one. */
  #fill(buf: Uint8Array, pos: number, end: number, length: number): number {
    const stop = Math.min(end, pos + length - this.#stored);
    if (stop <= pos) return pos;
    const needed = this.#stored + stop - pos;
    if (needed > this.#store.length) {
      // As much as has come, twice at most: who only announces a frame gets no memory for it.
      const larger = new Uint8Array(Math.max(64, Math.min(length, needed * 2)));
      larger.set(this.#store.subarray(0, this.#stored));
      this.#store = larger;
    }
    this.#store.set(buf.subarray(pos, stop), this.#stored);
    this.#stored = needed;
    return stop;
  }

  #forget(): void {
    this.#stored = 0;
    if (this.#store.length > KEPT_SIZE) this.#store = NOTHING;
  }

  #readHead(bytes: Uint8Array, at: number): void {
    const length = bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
    const type = bytes[at + 3];
    const stream = u32(bytes, at + 5) & 0x7fffffff;
    this.length = length;
    this.type = type;
    this.flags = bytes[at + 4];
    this.stream = stream;
    if (length > MAX_FRAME) throw new ConnectionError(ErrorCode.FrameSizeError, "a frame is too large");
    if (this.#first && type !== FrameType.Settings) throw wrong("the first frame is not SETTINGS");
    if (this.#blockStream !== 0 && (type !== FrameType.Continuation || stream !== this.#blockStream)) {
      throw wrong("another frame came within a header block");
    }
    if (type === FrameType.Data && stream === 0) throw wrong("DATA without a stream");
  }

  #beginData(pos: number): number {
    this.#data = this.length;
    this.#padding = 0;
    this.#padKnown = (this.flags & Flag.Padded) === 0;
    if (!this.#padKnown && this.length === 0) throw tooSmall();
    this.pos = pos;
    return FrameEvent.DataBegin;
  }

  #readData(buf: Uint8Array, pos: number, end: number): number {
    if (!this.#padKnown) {
      if (pos >= end) return this.#needData(pos);
      this.#padding = buf[pos++];
      this.#data--;
      if (this.#padding > this.#data) throw wrong("more padding than there is payload");
      this.#padKnown = true;
    }
    const stop = Math.min(end, pos + this.#data - this.#padding);
    if (stop > pos) {
      this.bytes = buf;
      this.start = pos;
      this.end = this.pos = stop;
      this.#data -= stop - pos;
      return FrameEvent.DataPiece;
    }
    if (this.#data > 0) {
      const skipped = Math.min(end - pos, this.#data);
      pos += skipped;
      this.#data -= skipped;
      this.#padding -= skipped;
      if (this.#data > 0) return this.#needData(pos);
    }
    this.#data = -1;
    this.pos = pos;
    return FrameEvent.DataEnd;
  }

  /** The frame in hand is whole: its payload is the bytes [start, end) of `bytes`. Returns the event, or -1. */
  #whole(bytes: Uint8Array, start: number, end: number): number {
    this.#first = false;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.dependency = undefined;
    switch (this.type) {
      case FrameType.Headers:
        return this.#headers();
      case FrameType.Continuation:
        return this.#continuation();
      case FrameType.Priority:
        this.#needStream();
        if (this.length !== 5) {
          throw new StreamError(this.stream, ErrorCode.FrameSizeError, "PRIORITY of a wrong size");
        }
        this.#depends(start);
        return FrameEvent.Frame;
      case FrameType.RstStream:
        this.#needStream();
        this.#needLength(4);
        return FrameEvent.Frame;
      case FrameType.Settings:
        this.#needNoStream();
        if ((this.flags & Flag.Ack) !== 0) this.#needLength(0);
        if (this.length % 6 !== 0) throw tooSmall();
        return FrameEvent.Frame;
      case FrameType.PushPromise:
        throw wrong("a client pushes");
      case FrameType.Ping:
        this.#needNoStream();
        this.#needLength(8);
        return FrameEvent.Frame;
      case FrameType.GoAway:
        this.#needNoStream();
        if (this.length < 8) throw tooSmall();
        return FrameEvent.Frame;
      case FrameType.WindowUpdate:
        this.#needLength(4);
        return FrameEvent.Frame;
      case FrameType.PriorityUpdate:
        this.#needNoStream();
        if (this.length < 4) throw tooSmall();
        return FrameEvent.Frame;
      default:
        return FrameEvent.Frame;
    }
  }

  #headers(): number {
    this.#needStream();
    if ((this.flags & Flag.Padded) !== 0) {
      if (this.length === 0) throw tooSmall();
      const padding = this.bytes[this.start++];
      if (padding > this.end - this.start) throw wrong("more padding than there is payload");
      this.end -= padding;
    }
    if ((this.flags & Flag.Priority) !== 0) {
      if (this.end - this.start < 5) throw tooSmall();
      this.dependency = u32(this.bytes, this.start) & 0x7fffffff;
      this.start += 5;
    }
    if ((this.flags & Flag.EndHeaders) !== 0) return FrameEvent.Headers;
    this.#blockStream = this.stream;
    this.#blockFlags = this.flags;
    this.#continuations = 0;
    this.#blockLength = 0;
    this.#collect();
    return -1;
  }

  #continuation(): number {
    if (this.#blockStream === 0) throw wrong("CONTINUATION without a header block");
    if (++this.#continuations > MOST_CONTINUATIONS || this.#blockLength + this.length > MOST_BLOCK) {
      throw new ConnectionError(ErrorCode.EnhanceYourCalm, "a header block goes on and on");
    }
    this.#collect();
    if ((this.flags & Flag.EndHeaders) === 0) return -1;
    this.bytes = this.#block;
    this.start = 0;
    this.end = this.#blockLength;
    this.flags = this.#blockFlags;
    this.#block = NOTHING;
    this.#blockStream = 0;
    return FrameEvent.Headers;
  }

  /** Keeps a fragment of the block. */
  #collect(): void {
    const length = this.#blockLength + this.end - this.start;
    if (length > this.#block.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(MOST_BLOCK, this.#block.length * 2)));
      larger.set(this.#block.subarray(0, this.#blockLength));
      this.#block = larger;
    }
    this.#block.set(this.bytes.subarray(this.start, this.end), this.#blockLength);
    this.#blockLength = length;
  }

  #depends(at: number): void {
    this.dependency = u32(this.bytes, at) & 0x7fffffff;
  }

  #needStream(): void {
    if (this.stream === 0) throw wrong("a frame without a stream that needs one");
  }

  #needNoStream(): void {
    if (this.stream !== 0) throw wrong("a frame about the connection with a stream");
  }

  #needLength(length: number): void {
    if (this.length !== length) throw tooSmall();
  }
}

function wrong(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.ProtocolError, message);
}

function tooSmall(): ConnectionError {
  return new ConnectionError(ErrorCode.FrameSizeError, "a frame has a size that its type cannot have");
}
