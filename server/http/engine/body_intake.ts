// How does the body of the request in hand come in? To a handler that may read slowly or not at all, from a client that may
// wait for leave to send it, be too slow or send nonsense.

import type { Transport } from "../../../mpm/mod.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { Patience } from "./patience.ts";
import { type BodySource, StreamedBody } from "./request_body.ts";
import type { Reply } from "./reply.ts";
import type { ConnectionSettings, Service } from "./service.ts";
import type { Outlet } from "./staging.ts";

/** The request that the body belongs to. */
export interface IntakeOwner {
  readonly exchange: Exchange | undefined;
  /** All of it is here. */
  readonly received: boolean;
  readonly settings: ConnectionSettings;
  /** Something of ours failed on behalf of `exchange`. */
  fault(error: unknown, exchange: Exchange): void;
}

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** The body of one request after the other. */
export class BodyIntake implements BodySource {
  /** The client waits for 100 Continue before it sends the body. */
  expects = false;
  /** The input makes no sense any more, or none will come: the connection ends with the response in hand. */
  failed = false;
  #transport!: Transport;
  #body: StreamedBody | undefined = undefined;
  /** The handler has more than it can take: it is not the client who is slow. */
  #paused = false;
  /** What to answer when the handler gave up because of its body. */
  #answer: ((exchange: Exchange) => Reply) | undefined = undefined;

  constructor(
    readonly service: Service,
    readonly patience: Patience,
    readonly outlet: Outlet,
    readonly owner: IntakeOwner,
  ) {}

  open(transport: Transport): void {
    this.#transport = transport;
  }

  /** The handler reads the body itself. */
  offer(exchange: Exchange): void {
    exchange.body = this.#body = new StreamedBody(this);
  }

  /** A piece has arrived. */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#body?.push(bytes);
  }

  /** All of it has arrived. */
  end(): void {
    this.#body?.end();
  }

  /** A handler has begun to read, and takes more. */
  get wanted(): boolean {
    return this.#body?.taken === true && !this.#paused && !this.failed;
  }

  /** No more will come. `answer` is what a client gets, if there is one, when the handler gives up for that reason. */
  break(message: string, answer?: (exchange: Exchange) => Reply): void {
    this.failed = true;
    this.#answer = answer;
    this.patience.endInput();
    this.#body?.fail(message);
  }

  /** The answer for a handler that gave up because of its body. */
  answerFor(exchange: Exchange): Reply | undefined {
    return this.#answer?.(exchange);
  }

  /** Nobody reads the body any more. */
  discard(): void {
    this.#body?.discard();
    this.#body = undefined;
  }

  resume(): void {
    const { exchange, received, settings } = this.owner;
    if (exchange === undefined || received) return;
    try {
      if (this.expects) {
        this.expects = false;
        this.outlet.output.latin1(CONTINUE);
        exchange.bytesWritten += CONTINUE.length;
        this.outlet.flush();
      }
      this.#paused = false;
      if (this.failed) return;
      this.#transport.setReading(true);
      this.patience.forInput(settings.bodyTimeout, settings.timeout);
    } catch (error) {
      this.owner.fault(error, exchange);
    }
  }

  pause(): void {
    this.#paused = true;
    this.patience.endInput();
    this.#transport.setReading(false);
  }

  /** The request is over; a failure is the connection's, and stays. */
  forget(): void {
    this.discard();
    this.expects = false;
    this.#paused = false;
    this.#answer = undefined;
  }
}
