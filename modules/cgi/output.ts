// What has a program said? The head of its answer and the content behind it, for programs that answer in the manner of CGI and for those
// that speak HTTP themselves (nph-).

import { HttpProtocol } from "../proxy_http/protocol.ts";
import { CgiHeadCollector, type CgiLines, readCgiLines } from "./response.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The head of an answer. */
export interface OutputHead extends CgiLines {
  /** The program has made the status line itself. */
  readonly whole?: { readonly status: number; readonly reason: string };
}

/** What is wrong with an answer, as httpd says it. */
export interface OutputFault {
  readonly message: string;
  /** The line that is none of a head, or "". */
  readonly line: string;
}

/** The output of one program, as far as it has come. */
export interface ProgramOutput {
  take(piece: Bytes): void;
  /** That was all. */
  end(): void;
  readonly head: OutputHead | undefined;
  readonly fault: OutputFault | undefined;
  /** What has come of a head that is not complete. */
  readonly text: string;
  /** Content that has come and was not taken yet. */
  content(): Bytes[];
}

/** Fields, a blank line, content. `name`: of the file. */
export class CgiOutput implements ProgramOutput {
  head: OutputHead | undefined;
  fault: OutputFault | undefined;
  readonly #collector = new CgiHeadCollector();
  #content: Bytes[] = [];

  constructor(readonly name: string) {}

  get text(): string {
    return this.#collector.text;
  }

  take(piece: Bytes): void {
    if (this.head !== undefined) return void this.#content.push(piece);
    const found = this.#collector.take(piece, 0, piece.length);
    if (found === undefined) {
      if (this.#collector.tooLong) this.#malformed(this.text);
      return;
    }
    const read = readCgiLines(found.head);
    if (typeof read === "string") return this.#malformed(read);
    this.head = read;
    if (found.bodyAt < piece.length) this.#content.push(piece.subarray(found.bodyAt));
  }

  end(): void {
    if (this.head !== undefined || this.fault !== undefined) return;
    const read = readCgiLines(this.text.replace(/\r?\n$/, ""));
    if (typeof read === "string") return this.#malformed(read);
    const what = this.text === "" ? "End of script output before headers" : "Premature end of script headers";
    this.fault = { message: `${what}: ${this.name}`, line: "" };
  }

  #malformed(line: string): void {
    const message = `malformed header from script '${this.name}': Bad header: ${line.slice(0, 30)}`;
    this.fault = { message, line };
  }

  content(): Bytes[] {
    return this.#content.splice(0);
  }
}

/** A whole response of HTTP/1.x. */
export class NphOutput implements ProgramOutput {
  head: OutputHead | undefined;
  fault: OutputFault | undefined;
  readonly text = "";
  readonly #protocol: HttpProtocol;
  #content: Bytes[] = [];
  #over = false;

  constructor(readonly name: string, method: string) {
    const request = { method, head: "", length: 0, upgrade: undefined, keepAlive: false, expects: false };
    this.#protocol = new HttpProtocol(request, { limitRequestFields: 1000 });
  }

  take(piece: Bytes): void {
    if (!this.#over) this.#protocol.receive(piece, piece.length, this);
  }

  end(): void {
    if (!this.#over) this.#protocol.ended(this);
  }

  content(): Bytes[] {
    return this.#content.splice(0);
  }

  onHead(
    { status, reason, fields, length }: {
      status: number;
      reason: string;
      fields: OutputHead["fields"];
      length: number | undefined;
    },
  ): void {
    this.head = { status: undefined, whole: { status, reason }, fields, length };
  }

  onBody(bytes: Bytes, from: number, to: number): void {
    this.#content.push(bytes.slice(from, to));
  }

  onContinue(): void {}

  onUpgrade(): void {
    this.onBad(undefined, `nph script ${this.name} wants another protocol`);
  }

  onDone(): void {
    this.#over = true;
  }

  onLost(): void {
    this.onBad(undefined, `End of script output before headers: ${this.name}`);
  }

  onBad(_ah: string | undefined, message: string): void {
    this.#over = true;
    this.fault = { message, line: "" };
  }
}
