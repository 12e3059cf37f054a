// How does a response body go out? Bytes and files at once, with the kernel and the transport holding what the client has not
// taken yet; streams piece by piece, at the client's pace.

import type { Transport } from "../../../mpm/mod.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { OutputBuffer } from "./output.ts";
import type { Body, Reply } from "./reply.ts";
import type { Service } from "./service.ts";
import type { Framing } from "./writer.ts";

/** Bodies up to this size share a send with their head. */
const TOGETHER = 65536;
/** A stream waits while more than this is on its way to the client. */
const HIGH_WATER = 262_144;
const LAST_CHUNK = "0\r\n\r\n";

/** Sends a body of known content. Returns its size in bytes. */
export function sendBody(body: Body, output: OutputBuffer, transport: Transport): number {
  if (body.kind === "bytes") {
    const { bytes } = body;
    if (bytes.length <= TOGETHER) output.append(bytes);
    else {
      flush(output, transport, true);
      transport.write(bytes, bytes.length, true);
    }
    return bytes.length;
  }
  if (body.kind === "text") return output.appendEncoded();
  if (body.kind !== "parts") return 0;
  flush(output, transport, true);
  for (const part of body.parts) {
    if (part instanceof Uint8Array) transport.write(part, part.length, true);
    else transport.writeFile(part.file, part.offset, part.length, part.inKernel === true);
  }
  return body.length;
}

function flush(output: OutputBuffer, transport: Transport, more = false): void {
  if (output.length > 0) transport.write(output.bytes, output.length, false, more);
  output.length = 0;
}

/** Lets go of a body that will not be sent. */
export function discardReply({ body }: Reply): void {
  if (body.kind === "parts") {
    for (const part of body.parts) if (!(part instanceof Uint8Array)) part.file.release();
  } else if (body.kind === "stream" && !body.stream.locked) {
    // The source is told; what it makes of that is its own affair.
    body.stream.cancel().catch(() => {});
  }
}

/** One streamed response body on its way. */
export class StreamSender {
  #drained: (() => void) | undefined;
  #aborted = false;

  /** `waits` is called when the stream has to wait for the client. */
  constructor(
    readonly exchange: Exchange,
    readonly framing: Framing,
    readonly service: Service,
    readonly waits: () => void,
  ) {}

  /** True while the stream waits for the client to take what was sent. */
  get waiting(): boolean {
    return this.#drained !== undefined;
  }

  /** Sends the whole stream. Returns false when it failed, or had another length than declared: the client must be cut off. */
  async send(body: Extract<Body, { kind: "stream" }>): Promise<boolean> {
    const { exchange, service } = this;
    const reader = body.stream.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#aborted) break;
        if (done) return this.#end(body.length);
        if (!(value instanceof Uint8Array)) {
          throw new TypeError("a response stream gave something other than a Uint8Array");
        }
        if (body.length !== undefined && exchange.bytesSent + value.length > body.length) {
          throw new RangeError(`a response stream gave more than its Content-Length of ${body.length}`);
        }
        this.#write(value as Uint8Array<ArrayBuffer>);
        if (exchange.transport.backlog > HIGH_WATER) {
          this.waits();
          await new Promise<void>((resolve) => this.#drained = resolve);
        }
        if (this.#aborted) break;
      }
      await reader.cancel("the client has closed the connection");
    } catch (error) {
      if (!this.#aborted) service.streamFailed(exchange, error);
    }
    return false;
  }

  #end(declared: number | undefined): boolean {
    const { exchange, service } = this;
    if (declared !== undefined && exchange.bytesSent !== declared) {
      service.streamFailed(
        exchange,
        new RangeError(`a response stream gave ${exchange.bytesSent} of ${declared} bytes`),
      );
      return false;
    }
    if (this.framing === "chunked") {
      service.output.latin1(LAST_CHUNK);
      exchange.bytesWritten += LAST_CHUNK.length;
    }
    return true;
  }

  #write(bytes: Uint8Array<ArrayBuffer>): void {
    const { exchange, service: { output } } = this;
    if (bytes.length === 0) return;
    exchange.bytesSent += bytes.length;
    const mark = output.length;
    if (this.framing === "chunked") output.latin1(bytes.length.toString(16) + "\r\n");
    output.append(bytes);
    if (this.framing === "chunked") output.latin1("\r\n");
    exchange.bytesWritten += output.length - mark;
    flush(output, exchange.transport);
  }

  /** The client has taken what was sent. */
  drained(): void {
    this.#drained?.();
    this.#drained = undefined;
  }

  /** The client is gone. */
  abort(): void {
    this.#aborted = true;
    this.drained();
  }
}
