// Does every request of an HTTP/2 connection get exactly its own answer? Many streams of many connections at once, asked by a client that
// holds the server to the protocol: windows, the end of each stream, and the request that each answer belongs to.

import { Buffer } from "node:buffer";
import { Flag, FrameType, MAX_FRAME } from "../../server/http/h2/frame.ts";
import { frame, FrameReader, numbered, preface, request } from "../../server/http/h2/test_support.ts";
import type { Received as Frame } from "../../server/http/h2/test_support.ts";
import { compare, type LoadReport, type Question, type Socket, type Target } from "./client.ts";
import { Random } from "./random.ts";
import { WrongAnswer } from "./response_reader.ts";

/** How a load behaves; chances from 0 to 1. */
export interface Http2LoadOptions {
  readonly connect: () => Promise<Socket>;
  readonly targets: readonly Target[];
  readonly connections: number;
  readonly seed?: number;
  /** Requests of a connection that are in hand at the same time, at most. */
  readonly streams?: number;
  /** Chance that a client gives a request up. */
  readonly abort?: number;
  /** Chance that a client closes its connection behind a request. */
  readonly close?: number;
  /** The server may end a connection with GOAWAY, as when it restarts. */
  readonly mayClose?: boolean;
}

/** A request in hand. */
interface Asked {
  readonly id: number;
  readonly question: Question;
  /** What of the body the server has not taken yet, and what it takes now. */
  rest: Uint8Array;
  window: number;
  /** What the server may send. */
  room: number;
  status: number;
  fields: Map<string, string>;
  readonly pieces: Uint8Array[];
  /** The client gives it up when so many frames have come; -1: never. */
  patience: number;
}

/** A client that waits for this long (ms) is told to be stuck. */
const STUCK_MS = 30_000;
const WINDOWS = [1000, 20_000, 65_535, 1 << 20];

/** Clients that ask until they are stopped. */
export class VerifiedHttp2Load {
  readonly #options: Http2LoadOptions;
  readonly #clients: Promise<void>[];
  readonly #wrong = new Map<string, { count: number; example: string }>();
  number = 0;
  answers = 0;
  bytes = 0;
  aborted = 0;
  closed = 0;
  stopping = false;

  constructor(options: Http2LoadOptions) {
    this.#options = options;
    const { connections, seed = 1 } = options;
    this.#clients = Array.from({ length: connections }, (_, i) => this.#run(new Random(seed * 10_007 + i)));
  }

  /** Something was wrong already. */
  get failed(): boolean {
    return this.#wrong.size > 0;
  }

  /** Lets every client come to the end of what it asked. */
  async stop(): Promise<LoadReport> {
    this.stopping = true;
    await Promise.all(this.#clients);
    const { answers, bytes, aborted, closed } = this;
    return { answers, bytes, aborted, closed, wrong: this.#wrong };
  }

  async #run(random: Random): Promise<void> {
    while (!this.stopping) {
      const socket = await this.#options.connect();
      const client = new Http2Client(this, this.#options, socket, random);
      const timer = setInterval(() => client.checkMoving(), STUCK_MS);
      try {
        await client.talk();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        const what = error instanceof WrongAnswer
          ? error.message.split(":", 1)[0]
          : `${error.name}: ${error.message}`;
        const known = this.#wrong.get(what);
        if (known === undefined) {
          this.#wrong.set(what, { count: 1, example: `${client.inHand}: ${error.message}` });
        } else known.count++;
      } finally {
        clearInterval(timer);
        client.close();
      }
    }
  }
}

/** One connection. */
class Http2Client {
  readonly #reader = new FrameReader();
  readonly #asked = new Map<number, Asked>();
  readonly #given = new Set<number>();
  readonly #initialRoom: number;
  #room = 65_535;
  #next = 1;
  #window = 65_535;
  #initialWindow = 65_535;
  #goodbye = false;
  #closing = false;
  #moved = true;
  #stuck = false;
  #open = true;
  #out: Uint8Array[] = [];

  constructor(
    readonly load: VerifiedHttp2Load,
    readonly options: Http2LoadOptions,
    readonly socket: Socket,
    readonly random: Random,
  ) {
    this.#initialRoom = random.pick(WINDOWS);
  }

  get inHand(): string {
    return [...this.#asked.values()].map(({ id, question: { method, target } }) =>
      `${id} ${method} ${target}`
    ).join(", ");
  }

  checkMoving(): void {
    this.#stuck = !this.#moved;
    this.#moved = false;
    if (this.#stuck) this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.socket.close();
  }

  async talk(): Promise<void> {
    this.#out.push(preface([[4, this.#initialRoom]]));
    const buffer = new Uint8Array(1 << 17);
    for (;;) {
      this.#ask();
      await this.#flush();
      if (this.#asked.size === 0 && (this.load.stopping || this.#goodbye || this.#closing)) return;
      let n: number | null;
      try {
        n = await this.socket.read(buffer);
      } catch (error) {
        if (this.#stuck) throw new WrongAnswer("no answer");
        throw error;
      }
      this.#moved = true;
      if (n === null) {
        if (this.#asked.size > 0 || !this.#goodbye) {
          throw new WrongAnswer("the connection was closed: nobody asked");
        }
        return;
      }
      for (const each of this.#reader.push(buffer.subarray(0, n))) this.#take(each);
    }
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#out);
    this.#out = [];
    try {
      for (let at = 0; at < bytes.length;) at += await this.socket.write(bytes.subarray(at));
    } catch (error) {
      if (!this.#goodbye || this.#asked.size > 0) throw error;
    }
  }

  /** Opens streams, as many as there may be, and sends of bodies what the server takes. */
  #ask(): void {
    const { streams = 8, targets, abort = 0, close = 0 } = this.options;
    const { random, load } = this;
    while (!load.stopping && !this.#goodbye && !this.#closing && this.#asked.size < streams) {
      const question = random.pick(targets)(load.number++, random);
      const { method, target, body, chunked, expects } = question;
      const id = this.#next;
      this.#next += 2;
      const fields: [string, string][] = (question.fields ?? []).map((
        [name, value],
      ) => [name.toLowerCase(), value]);
      if (body !== undefined && chunked !== true) fields.push(["content-length", String(body.length)]);
      if (expects === true) fields.push(["expect", "100-continue"]);
      this.#out.push(request(id, target, { method, ends: body === undefined, fields }));
      this.#asked.set(id, {
        id,
        question,
        rest: body ?? new Uint8Array(0),
        window: this.#initialWindow,
        room: this.#initialRoom,
        status: 0,
        fields: new Map(),
        pieces: [],
        patience: random.chance(abort) ? random.below(4) : -1,
      });
      if (random.chance(close)) this.#closing = true;
      if (random.chance(0.3)) break;
    }
    for (const asked of this.#asked.values()) this.#sendBody(asked);
  }

  #sendBody(asked: Asked): void {
    while (asked.rest.length > 0) {
      const length = Math.min(
        asked.rest.length,
        asked.window,
        this.#window,
        1 + this.random.below(MAX_FRAME),
      );
      if (length <= 0) return;
      const piece = asked.rest.subarray(0, length);
      asked.rest = asked.rest.subarray(length);
      asked.window -= length;
      this.#window -= length;
      this.#out.push(frame(FrameType.Data, asked.rest.length === 0 ? Flag.EndStream : 0, asked.id, piece));
    }
  }

  #take(each: Frame): void {
    const { type, flags, stream, payload, code } = each;
    const number = () => (payload[0] << 24 | payload[1] << 16 | payload[2] << 8 | payload[3]) >>> 0;
    if (type === FrameType.Settings) {
      if ((flags & Flag.Ack) !== 0) return;
      for (let at = 0; at < payload.length; at += 6) {
        if ((payload[at] << 8 | payload[at + 1]) !== 4) continue;
        const size =
          (payload[at + 2] << 24 | payload[at + 3] << 16 | payload[at + 4] << 8 | payload[at + 5]) >>> 0;
        for (const asked of this.#asked.values()) asked.window += size - this.#initialWindow;
        this.#initialWindow = size;
      }
      this.#out.push(frame(FrameType.Settings, Flag.Ack, 0));
    } else if (type === FrameType.Ping) {
      if ((flags & Flag.Ack) === 0) this.#out.push(frame(FrameType.Ping, Flag.Ack, 0, payload));
    } else if (type === FrameType.GoAway) this.#goAway(number(), code);
    else if (type === FrameType.WindowUpdate) {
      const asked = this.#asked.get(stream);
      if (stream === 0) this.#window += number();
      else if (asked !== undefined) asked.window += number();
    } else this.#ofStream(each);
  }

  #goAway(last: number, code: number): void {
    if (code !== 0) throw new WrongAnswer(`GOAWAY with ${code}`);
    if (this.options.mayClose !== true) throw new WrongAnswer("GOAWAY although nobody asked for that");
    this.#goodbye = true;
    for (const id of this.#asked.keys()) {
      if (id <= last) continue;
      this.#asked.delete(id);
      this.load.closed++;
    }
  }

  #ofStream({ type, flags, stream, payload, fields, code }: Frame): void {
    const asked = this.#asked.get(stream);
    if (type === FrameType.Data) {
      this.#room -= payload.length;
      if (this.#room < 0) throw new WrongAnswer("more DATA than the window of the connection");
      this.#refill();
    }
    if (asked === undefined) {
      if (!this.#given.has(stream) && !(type === FrameType.RstStream && code === 0)) {
        throw new WrongAnswer(`a frame of type ${type} of a stream that is over: ${stream}`);
      }
      return;
    }
    if (asked.patience === 0) return this.#giveUp(asked);
    asked.patience--;
    if (type === FrameType.RstStream) throw new WrongAnswer(`reset with ${code}: ${asked.question.target}`);
    if (type === FrameType.Headers) {
      const status = Number(fields[0][1]);
      if (status === 100) return;
      if (asked.status !== 0) throw new WrongAnswer("two heads");
      asked.status = status;
      for (const [name, value] of fields.slice(1)) {
        const before = asked.fields.get(name);
        asked.fields.set(name, before === undefined ? value : `${before}\n${value}`);
      }
    } else if (type === FrameType.Data) {
      asked.room -= payload.length;
      if (asked.room < 0) throw new WrongAnswer(`more DATA than the window: ${asked.question.target}`);
      asked.pieces.push(payload);
      // Sometimes late, sometimes in small steps.
      if (asked.room < this.#initialRoom / 2) {
        const more = 1 + this.random.below(this.#initialRoom) +
          (this.random.chance(0.5) ? this.#initialRoom : 0);
        asked.room += more;
        this.#out.push(numbered(FrameType.WindowUpdate, stream, more));
      }
    }
    if ((flags & Flag.EndStream) !== 0) this.#check(asked);
  }

  #refill(): void {
    if (this.#room > 30_000) return;
    const more = 40_000 + this.random.below(100_000);
    this.#room += more;
    this.#out.push(numbered(FrameType.WindowUpdate, 0, more));
  }

  #giveUp({ id }: Asked): void {
    this.#asked.delete(id);
    this.#given.add(id);
    this.load.aborted++;
    this.#out.push(numbered(FrameType.RstStream, id, 8));
  }

  /** The answer is whole. */
  #check({ id, question, status, fields, pieces, rest }: Asked): void {
    this.#asked.delete(id);
    const { method, target, answer } = question;
    const about = `${method} ${target}`;
    if (rest.length > 0) this.#given.add(id);
    const body = Buffer.concat(pieces);
    if (status !== question.status) {
      throw new WrongAnswer(`status ${status} for ${question.status}: ${about}`);
    }
    const length = fields.get("content-length");
    if (length !== undefined && method !== "HEAD" && Number(length) !== body.length) {
      throw new WrongAnswer(`${body.length} bytes, and Content-Length ${length}: ${about}`);
    }
    for (const name of ["connection", "transfer-encoding", "keep-alive"]) {
      if (fields.has(name)) throw new WrongAnswer(`the field ${name}: ${about}`);
    }
    const problem = typeof answer === "function" ? answer({ status, fields, body }) : compare(body, answer);
    if (problem !== undefined) throw new WrongAnswer(`${problem}: ${about}`);
    this.load.answers++;
    this.load.bytes += body.length;
  }
}
