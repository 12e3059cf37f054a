// What does the head of a request say? Offsets into the bytes it came in; strings are made when asked for.

import { FieldBlock } from "./field_block.ts";
import { Field } from "./fields.ts";
import type { TargetForm } from "./target.ts";
import { latin1, latin1Interned } from "./text.ts";

/** How the body is delimited (RFC 9112 §6.3). */
export type BodyKind = "none" | "length" | "chunked";

/** Heads that are detached share pieces of memory this large: memory for each alone costs more than all else about a request. */
const SLAB_BYTES = 1 << 17;

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** Copies `bytes` from `start` to `end` into `slab` and returns where they begin there. */
function keep(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(Math.max(SLAB_BYTES, length));
    slabUsed = 0;
  }
  const at = slabUsed;
  for (let i = 0; i < length; i++) slab[at + i] = bytes[start + i];
  slabUsed = at + length;
  return at;
}

/** The head of one request, after `ParserEvent.Head`. */
export class RequestHead extends FieldBlock {
  /** Case-sensitive, as received. */
  method = "";
  form: TargetForm = "origin";
  /** HTTP version as received (0.9, 1.0, 1.1; what is above 1.1 is served as 1.1). */
  major = 1;
  minor = 1;
  /** Offsets in `bytes` of the request target, and of its path (the end of the target if it has none). */
  targetStart = 0;
  targetEnd = 0;
  pathStart = 0;
  /**
   * Offsets in `bytes` of the request line, without its line end; after an error, of what was received of it.
   */
  lineStart = 0;
  lineEnd = 0;
  /** Offset in `bytes` behind the head. */
  headEnd = 0;
  /**
   * `host[:port]` of an absolute or authority-form target, which wins over the Host field (RFC 9112 §3.2.2).
   */
  authority: string | undefined;
  /**
   * The host asked for, valid and in lower case, without port and final dot; undefined if the request names
   * none.
   */
  host: string | undefined;
  /** The port given with the host. */
  hostPort: number | undefined;
  bodyKind: BodyKind = "none";
  /** Bytes of the body if `bodyKind` is "length", otherwise 0. */
  contentLength = 0;
  /** What the request allows: version and Connection options (RFC 9112 §9.3). */
  keepAlive = false;
  /** The client sent the connection option keep-alive. */
  sentKeepAlive = false;
  /** The connection cannot be used after this request, whatever `keepAlive` says (RFC 9112 §6.1). */
  closeAfter = false;
  /** An HTTP/1.1 client waits for 100 (Continue) (RFC 9110 §10.1.1). */
  expectContinue = false;
  /** Under Strict: what replaces the Host field's value, because the target is in absolute form (AH02417). */
  rewrittenHost: string | undefined;
  /** The client sent the connection option upgrade. */
  sentUpgrade = false;

  /** Ready for the next request. */
  override clear(): void {
    super.clear();
    // What was said of one request must not be told of a next that is none.
    this.method = "";
    this.form = "origin";
    this.major = this.minor = 1;
    this.targetStart = this.targetEnd = this.pathStart = 0;
    this.lineStart = this.lineEnd = this.headEnd = 0;
    this.authority =
      this.host =
      this.hostPort =
      this.rewrittenHost =
        undefined;
    this.bodyKind = "none";
    this.contentLength = 0;
    this.keepAlive =
      this.sentKeepAlive =
      this.closeAfter =
      this.expectContinue =
      this.sentUpgrade =
        false;
  }

  /** The request target as received. */
  get target(): string {
    return latin1Interned(this.bytes, this.targetStart, this.targetEnd);
  }

  /**
   * The protocols the client offers to change to, if it may (HTTP/1.1 and the connection option; RFC 9110
   * §7.8).
   */
  get upgrade(): string | undefined {
    return this.sentUpgrade ? this.field(Field.Upgrade) : undefined;
  }

  /** True for HTTP/1.1 and above. */
  get isHttp11(): boolean {
    return this.major > 1 || (this.major === 1 && this.minor >= 1);
  }

  /** The request line as received, without its line end. */
  requestLine(): string {
    return latin1(this.bytes, this.lineStart, this.lineEnd);
  }

  override field(id: number): string | undefined {
    if (id === Field.Host && this.rewrittenHost !== undefined) return this.rewrittenHost;
    return super.field(id);
  }

  override shift(bytes: Uint8Array, delta: number): void {
    super.shift(bytes, delta);
    this.targetStart += delta;
    this.targetEnd += delta;
    this.pathStart += delta;
    this.lineStart += delta;
    this.lineEnd += delta;
    this.headEnd += delta;
  }

  /** A copy with bytes of its own that has `fields`, names and values of ISO 8859-1, instead of those that were received. */
  withFields(fields: Iterable<readonly [name: string, value: string]>): RequestHead {
    const copy = this.detach();
    const line = copy.bytes.slice(copy.lineStart, copy.lineEnd);
    let text = "";
    const offsets: [number, number, number][] = [];
    for (const [name, value] of fields) {
      const start = line.length + text.length;
      offsets.push([start, start + name.length, value.length]);
      text += name + value;
    }
    const bytes = new Uint8Array(line.length + text.length);
    bytes.set(line);
    for (let i = 0; i < text.length; i++) bytes[line.length + i] = text.charCodeAt(i);
    copy.forgetFields();
    copy.shift(bytes, -copy.lineStart);
    for (const [start, end, length] of offsets) copy.add(start, end, end, end + length);
    copy.headEnd = bytes.length;
    return copy;
  }

  /** A copy with bytes of its own, for handlers that outlive the buffer or the parser's next `reset()`. */
  detach(): RequestHead {
    const start = this.lineStart;
    const copy = new RequestHead(this.bytes, this.usedSlots());
    copy.method = this.method;
    copy.form = this.form;
    copy.major = this.major;
    copy.minor = this.minor;
    copy.targetStart = this.targetStart;
    copy.targetEnd = this.targetEnd;
    copy.pathStart = this.pathStart;
    copy.lineStart = this.lineStart;
    copy.lineEnd = this.lineEnd;
    copy.headEnd = this.headEnd;
    copy.authority = this.authority;
    copy.host = this.host;
    copy.hostPort = this.hostPort;
    copy.bodyKind = this.bodyKind;
    copy.contentLength = this.contentLength;
    copy.keepAlive = this.keepAlive;
    copy.sentKeepAlive = this.sentKeepAlive;
    copy.closeAfter = this.closeAfter;
    copy.expectContinue = this.expectContinue;
    copy.rewrittenHost = this.rewrittenHost;
    copy.sentUpgrade = this.sentUpgrade;
    this.copyFieldsTo(copy);
    const at = keep(this.bytes, start, this.headEnd);
    copy.shift(slab, at - start);
    return copy;
  }
}
