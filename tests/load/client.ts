// Does every client get exactly its own answer? Many connections at once, each request with a number of its own; of every answer it is
// checked that it is framed exactly, that it is the answer to this request, whole, and that nothing comes behind it.

import { Buffer } from "node:buffer";
import { Random } from "./random.ts";
import { Ended, type Received, ResponseReader, WrongAnswer } from "./response_reader.ts";

/** A request, and what has to come back. */
export interface Question {
  readonly method: string;
  readonly target: string;
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
  /** The body is sent in chunks, without a Content-Length. */
  readonly chunked?: boolean;
  /** The client waits for 100 (Continue). */
  readonly expects?: boolean;
  readonly status: number;
  /** The bytes of the body, or what is wrong with it. */
  readonly answer: Uint8Array | ((received: Received) => string | undefined);
}

/** Something to ask for. `number` is the request's own. */
export type Target = (number: number, random: Random) => Question;

/** What the server at the other end is reached by. */
export interface Socket {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** How a load behaves; chances from 0 to 1. */
export interface LoadOptions {
  readonly connect: () => Promise<Socket>;
  readonly targets: readonly Target[];
  readonly connections: number;
  readonly seed?: number;
  /** Requests that are sent before the answer to the first is read, at most. */
  readonly pipeline?: number;
  /** Chance that a request says Connection: close. */
  readonly close?: number;
  /** Chance that a client goes away in the middle of a request or an answer. */
  readonly abort?: number;
  /** The server may close a connection between two answers, as when it restarts. What was sent behind that is asked again. */
  readonly mayClose?: boolean;
}

/** What a load has come to. */
export interface LoadReport {
  readonly answers: number;
  /** Bytes of bodies. */
  readonly bytes: number;
  readonly aborted: number;
  /** Requests that were not answered because the server closed in front of them. */
  readonly closed: number;
  /** What was wrong, with how often, and an example each. */
  readonly wrong: ReadonlyMap<string, { count: number; example: string }>;
}

const encoder = new TextEncoder();
/** A client that waits for this long (ms) is told to be stuck. */
const STUCK_MS = 30_000;

/** Clients that ask until they are stopped. */
export class VerifiedLoad {
  readonly #options: LoadOptions;
  readonly #clients: Promise<void>[];
  readonly #wrong = new Map<string, { count: number; example: string }>();
  #number = 0;
  #answers = 0;
  #bytes = 0;
  #aborted = 0;
  #closed = 0;
  #stopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { connections, seed = 1 } = options;
    this.#clients = Array.from({ length: connections }, (_, i) => this.#run(new Random(seed * 10_007 + i)));
  }

  get answers(): number {
    return this.#answers;
  }

  /** Something was wrong already. */
  get failed(): boolean {
    return this.#wrong.size > 0;
  }

  /** Lets every client come to the end of what it asked. */
  async stop(): Promise<LoadReport> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    return {
      answers: this.#answers,
      bytes: this.#bytes,
      aborted: this.#aborted,
      closed: this.#closed,
      wrong: this.#wrong,
    };
  }

  #tell(what: string, example: string): void {
    const known = this.#wrong.get(what);
    if (known === undefined) this.#wrong.set(what, { count: 1, example });
    else known.count++;
  }

  async #run(random: Random): Promise<void> {
    while (!this.#stopping) {
      let socket: Socket | undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const hand = { text: "connecting" };
      try {
        socket = await this.#options.connect();
        const connected = socket;
        const watch = () => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            this.#tell("no answer", hand.text);
            connected.close();
          }, STUCK_MS);
        };
        await this.#talk(socket, random, hand, watch);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        const what = error instanceof WrongAnswer
          ? error.message.split(":", 1)[0]
          : `${error.name}: ${error.message}`;
        this.#tell(what, `${hand.text}: ${error.message}`);
      } finally {
        clearTimeout(timer);
        try {
          socket?.close();
        } catch (error) {
          // A client that was stuck is closed already.
          if (!(error instanceof Deno.errors.BadResource)) this.#tell("close", String(error));
        }
      }
    }
  }

  /** One connection, to its end. */
  async #talk(socket: Socket, random: Random, hand: { text: string }, watch: () => void): Promise<void> {
    const { targets, pipeline = 1, close = 0, abort = 0, mayClose = false } = this.#options;
    const reader = new ResponseReader(socket);
    for (let batch = 0; !this.#stopping; batch++) {
      watch();
      const questions: Question[] = [];
      for (let i = 1 + random.below(pipeline); i > 0; i--) {
        const question = random.pick(targets)(this.#number++, random);
        questions.push(question);
        // Nobody sends behind a request whose body waits for leave.
        if (question.expects === true) break;
      }
      const closing = random.chance(close);
      hand.text = questions.map(({ method, target }) => `${method} ${target}`).join(", ");
      if (random.chance(abort)) return await this.#abort(socket, reader, questions[0], random);
      let next = 0;
      try {
        const sent = this.#send(socket, questions, closing, random);
        // A server that closes meanwhile is told by what is read.
        sent.catch(() => {});
        while (next < questions.length) {
          if (await this.#check(reader, questions[next++])) {
            if (next < questions.length || !closing) {
              if (!mayClose) throw new WrongAnswer("closed although nobody asked for that");
              this.#closed += questions.length - next;
            }
            return await reader.end();
          }
        }
        await sent;
      } catch (error) {
        const gone = error instanceof Ended ? error.clean : isReset(error) && reader.pending === 0;
        if (!gone || !mayClose || (batch === 0 && next <= 1)) throw error;
        this.#closed += questions.length - next + 1;
        return;
      }
      if (reader.pending > 0) throw new WrongAnswer(`${reader.pending} bytes behind the last response`);
    }
    watch();
    // Nothing may follow, whatever this client says now.
    await socket.closeWrite();
    await reader.end();
  }

  /** Reads the answer to `question`. Returns true if the server says that it closes. */
  async #check(reader: ResponseReader, question: Question): Promise<boolean> {
    let interim = 0;
    const received = await reader.response(
      question.method,
      question.expects === true ? () => interim++ : undefined,
    );
    const { method, target, status, answer } = question;
    const about = `${method} ${target}`;
    if (received.status !== status) {
      throw new WrongAnswer(`status ${received.status} for ${status}: ${about}`);
    }
    if (interim > 1) throw new WrongAnswer(`100 (Continue) ${interim} times: ${about}`);
    const problem = typeof answer === "function" ? answer(received) : compare(received.body, answer);
    if (problem !== undefined) throw new WrongAnswer(`${problem}: ${about}`);
    this.#answers++;
    this.#bytes += received.body.length;
    return /\bclose\b/i.test(received.fields.get("connection") ?? "");
  }

  async #send(
    socket: Socket,
    questions: readonly Question[],
    closing: boolean,
    random: Random,
  ): Promise<void> {
    const parts: Uint8Array[] = [];
    for (const [i, question] of questions.entries()) {
      parts.push(headOf(question, closing && i === questions.length - 1));
      if (question.body === undefined) continue;
      parts.push(...(question.chunked === true ? chunksOf(question.body, random) : [question.body]));
    }
    const bytes = Buffer.concat(parts);
    // In one piece, mostly; else in odd ones.
    const pieces = random.chance(0.7) ? 1 : 1 + random.below(4);
    for (let i = 0, at = 0; i < pieces; i++) {
      const end = i === pieces - 1 ? bytes.length : at + random.below(bytes.length - at + 1);
      await writeAll(socket, bytes.subarray(at, end));
      at = end;
    }
  }

  /** Goes away in the middle of the request, or of its answer. */
  async #abort(socket: Socket, reader: ResponseReader, question: Question, random: Random): Promise<void> {
    this.#aborted++;
    const bytes = Buffer.concat([headOf(question, false), question.body ?? new Uint8Array(0)]);
    if (random.chance(0.5)) return await writeAll(socket, bytes.subarray(0, random.below(bytes.length)));
    await writeAll(socket, bytes);
    await reader.source.read(new Uint8Array(1 + random.below(1000)));
  }
}

/** What is wrong with `body`; undefined: it is what was expected. */
export function compare(body: Uint8Array, expected: Uint8Array): string | undefined {
  if (Buffer.compare(body, expected) === 0) return undefined;
  if (body.length !== expected.length) return `${body.length} bytes for ${expected.length}`;
  const at = body.findIndex((byte, i) => byte !== expected[i]);
  const excerpt = (bytes: Uint8Array) => JSON.stringify(Buffer.from(bytes).toString("latin1", at, at + 40));
  return `another body at ${at}, ${excerpt(body)} for ${excerpt(expected)}`;
}

function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}

function headOf(
  { method, target, fields = [], body, chunked, expects }: Question,
  close: boolean,
): Uint8Array {
  let head = `${method} ${target} HTTP/1.1\r\nHost: test.example\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  if (body !== undefined) {
    head += chunked === true ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${body.length}\r\n`;
  }
  if (expects === true) head += "Expect: 100-continue\r\n";
  return encoder.encode(`${head}${close ? "Connection: close\r\n" : ""}\r\n`);
}

function chunksOf(body: Uint8Array, random: Random): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + random.below(random.chance(0.3) ? 10 : 100_000));
    parts.push(
      encoder.encode(`${size.toString(16)}\r\n`),
      body.subarray(at, at + size),
      encoder.encode("\r\n"),
    );
    at += size;
  }
  return [...parts, encoder.encode("0\r\n\r\n")];
}

async function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}
