// How does a CGI program answer a request? What it may not do is refused; the body of the request goes to it as it comes, and what it says
// to the client, at the pace of whoever is slower.

import { CORE_DEFAULTS, coreDir, coreServer } from "../../server/core/config.ts";
import { Option, optionsOf } from "../../server/core/place_options.ts";
import { programLimits } from "../../server/core/program_directives.ts";
import { type Body, NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { argumentsOf } from "./arguments.ts";
import { readHead } from "./head.ts";
import { CgiOutput, NphOutput, type ProgramOutput } from "./output.ts";
import { type Program, StartError, startFor } from "./program.ts";
import { logScriptError, logScriptFailure } from "./script_log.ts";
import { cgiServer } from "./settings.ts";
import { programEnvironment } from "./variables.ts";

export { killPrograms } from "./program.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A program has fallen silent, or its request's body has broken, within its answer. */
class OutputError extends Error {
  override readonly name = "OutputError";
}

/** One run of a program for one request. */
class Run {
  readonly #context: ThreadContext;
  readonly #exchange: Exchange;
  readonly #name: string;
  readonly #timeout: number;
  readonly #errors: string[] = [];
  /** The beginning of the request's body, where the ScriptLog wants it. */
  #body = "";

  constructor(exchange: Exchange, context: ThreadContext) {
    const { store } = exchange.vhost;
    this.#context = context;
    this.#exchange = exchange;
    this.#name = exchange.filename.slice(exchange.filename.lastIndexOf("/") + 1);
    this.#timeout = store.get(cgiServer).timeout ?? store.get(coreServer).timeout ?? CORE_DEFAULTS.timeout;
  }

  async reply(): Promise<Reply> {
    const exchange = this.#exchange;
    const nph = this.#name.startsWith("nph-");
    const refused = this.#refusal(nph);
    if (refused !== undefined) return refused;
    let started: ReturnType<typeof startFor>;
    try {
      started = this.#start();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#noteError(200, "AH01215", `${error.message}: exec of '${exchange.filename}' failed`);
      return this.#failed(500, `End of script output before headers: ${this.#name}`, "", "");
    }
    const { program, errors } = started;
    let broken: unknown;
    const stream = exchange.body?.stream();
    program.feed(stream === undefined ? undefined : this.#noted(stream)).catch((error) => {
      broken = error;
      program.end();
    });
    const output = nph ? new NphOutput(this.#name, exchange.method) : new CgiOutput(this.#name);
    const heard = await this.#head(program, output);
    if (output.head !== undefined && broken === undefined) {
      return this.#answer(program, output, heard === "end", () => broken);
    }
    program.end();
    if (broken !== undefined) throw broken;
    if (exchange.outermost.signal.aborted) return { status: 500, fields: [], body: NO_BODY, close: true };
    if (heard === "timeout") {
      const message = `Script timed out before returning headers: ${this.#name}`;
      return this.#failed(504, message, "", output.text);
    }
    // What it has complained about is told with what it did.
    await errors;
    const { message, line } = output.fault!;
    return this.#failed(500, message, line, output.text.slice(line.length).trimStart());
  }

  /** The answer for what may not be run; undefined: it may be. */
  #refusal(nph: boolean): Reply | undefined {
    const exchange = this.#exchange;
    const { dir, file, main, notes, pathInfo, imposedHandler } = exchange;
    const refused = (status: number, ah: string, message: string) => {
      this.#noteError(status, ah, message);
      return errorReply(status);
    };
    const aliased = notes?.get("alias-forced-type") !== undefined;
    if (!aliased && (optionsOf(dir) & Option.ExecCGI) === 0) {
      return refused(403, "AH02809", "Options ExecCGI is off in this directory");
    }
    if (nph && main !== undefined) return refused(403, "AH02810", "attempt to include NPH CGI script");
    if (file === undefined) return refused(404, "AH02811", "script not found or unable to stat");
    if (file.isDirectory) return refused(403, "AH02812", "attempt to invoke directory as script");
    // The element exec of a page names a program, which gets what the page was asked for with.
    if (imposedHandler !== undefined) {
      if (pathInfo !== "") return errorReply(404);
      exchange.pathInfo = main!.pathInfo;
      exchange.query = main!.query;
      return undefined;
    }
    if (pathInfo !== "" && dir.get(coreDir).acceptPathInfo === "off") {
      return refused(404, "AH02813", "AcceptPathInfo off disallows user's path");
    }
    return undefined;
  }

  /** @throws StartError */
  #start(): ReturnType<typeof startFor> {
    const exchange = this.#exchange;
    const { filename, dir, head, query } = exchange;
    // A body in chunks comes without its length, and ends where its program's input ends.
    const length = head.bodyKind === "chunked" ? undefined : head.field(Field.ContentLength);
    const call = {
      exchange,
      bodyLength: length === undefined ? undefined : Number(length),
      file: filename,
      target: "",
    };
    const order = {
      file: filename,
      args: argumentsOf(query),
      environment: programEnvironment(call, this.#context),
      directory: filename.slice(0, filename.lastIndexOf("/") + 1),
      limits: dir.get(programLimits),
    };
    return startFor(exchange, this.#context, order, (line) => {
      this.#errors.push(line);
      this.#noteError(200, "AH01215", line);
    });
  }

  /** `stream`, of which the beginning is noted for the ScriptLog. */
  #noted(stream: ReadableStream<Bytes>): ReadableStream<Bytes> {
    const { file, buffer = 1024 } = this.#exchange.vhost.store.get(cgiServer);
    if (file === undefined) return stream;
    return stream.pipeThrough(
      new TransformStream<Bytes, Bytes>({
        transform: (piece, controller) => {
          const room = buffer - this.#body.length;
          if (room > 0) this.#body += String.fromCharCode(...piece.subarray(0, room));
          controller.enqueue(piece);
        },
      }),
    );
  }

  /** Reads until the head is known, or will never be. */
  async #head(program: Program, output: ProgramOutput): Promise<"head" | "end" | "timeout"> {
    for (;;) {
      const piece = await program.read(this.#timeout);
      if (piece === "timeout") return piece;
      if (piece === "end") output.end();
      else output.take(piece);
      if (piece === "end") return piece;
      if (output.head !== undefined || output.fault !== undefined) return "head";
    }
  }

  async #answer(
    program: Program,
    output: ProgramOutput,
    ended: boolean,
    broken: () => unknown,
  ): Promise<Reply> {
    const exchange = this.#exchange;
    const answer = readHead(output.head!, exchange, (message) => this.#log(undefined, message));
    const dropped = async () => {
      if (!ended) await program.drain(this.#timeout);
      else program.end();
    };
    if ("location" in answer) {
      await dropped();
      const { location, fields } = answer;
      if (!location.startsWith("/")) return errorReply(302, { location, fields });
      return await this.#redirected(location, fields);
    }
    const bodiless = exchange.method === "HEAD" || answer.status === 204 || answer.status === 304 ||
      answer.failure !== undefined;
    if (!bodiless) return { ...answer, body: this.#content(program, output, answer.length, broken) };
    // It has the time to come to its end.
    dropped().catch((error) => this.#log(undefined, `${this.#name}: ${error}`));
    return { ...answer, body: NO_BODY };
  }

  #content(
    program: Program,
    output: ProgramOutput,
    length: number | undefined,
    broken: () => unknown,
  ): Body {
    const stream = new ReadableStream<Bytes>({
      pull: async (controller) => {
        for (;;) {
          const content = output.content();
          for (const piece of content) controller.enqueue(piece);
          if (content.length > 0) return;
          const piece = await program.read(this.#timeout);
          if (piece instanceof Uint8Array) {
            output.take(piece);
            continue;
          }
          program.end();
          if (piece === "timeout") {
            const message = `Timeout waiting for output from CGI script ${this.#exchange.filename}`;
            this.#log("AH01220", message);
            return controller.error(new OutputError(message));
          }
          if (broken() !== undefined) return controller.error(broken());
          return controller.close();
        }
      },
      cancel: () => program.end(),
    }, { highWaterMark: 0 });
    return { kind: "stream", stream, length };
  }

  /** What is at another place of this server, asked for with GET, whatever the method was (RFC 3875 §6.2.2). */
  async #redirected(location: string, fields: Reply["fields"]): Promise<Reply> {
    const exchange = this.#exchange;
    const { head } = exchange;
    const kept = [...head.entries()].filter(([name]) =>
      !/^(?:content-length|transfer-encoding)$/i.test(name)
    );
    exchange.head = head.withFields(kept);
    if (head.method !== "HEAD") exchange.head.method = "GET";
    exchange.body = undefined;
    exchange.imposedHandler = undefined;
    const reply = await this.#context.redirect(exchange, location);
    return { ...reply, fields: [...fields, ...reply.fields] };
  }

  #failed(status: number, message: string, line: string, output: string): Reply {
    this.#log(undefined, message);
    const failure = { body: this.#body, line, output, errors: this.#errors };
    this.#write((settings) => logScriptFailure(settings, this.#exchange, status, failure));
    return errorReply(status);
  }

  #log(ah: string | undefined, message: string): void {
    this.#context.log("error", ah, message, this.#exchange);
  }

  #noteError(status: number, ah: string, message: string): void {
    this.#log(ah, `stderr from ${this.#exchange.filename}: ${message}`);
    this.#write((settings) => logScriptError(settings, this.#exchange, status, message));
  }

  #write(write: (settings: Parameters<typeof logScriptError>[0]) => void): void {
    const settings = this.#exchange.vhost.store.get(cgiServer);
    try {
      write(settings);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#log(undefined, `ScriptLog ${settings.file} cannot be written: ${error.message}`);
    }
  }
}

/** Answers `exchange` by the program that its file is. */
export function answer(exchange: Exchange, context: ThreadContext): Promise<Reply> {
  return new Run(exchange, context).reply();
}
