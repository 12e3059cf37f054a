// What kind of program is it that a server thread loads? One of the forms that Deno and Node know: this loads it as they would,
// finds out which, and says what answers its requests.

import * as nodeModule from "node:module";
import process from "node:process";
import { fromFileUrl } from "@std/path";
import type { Reply } from "../../../server/http/engine/reply.ts";
import type { Exchange } from "../../../server/request/exchange.ts";
import { answerWith, type FetchHandler } from "../fetch_answer.ts";
import { type Answer, type Capture, type CapturedServer, serverFor } from "./capture.ts";
import { describeLoadError } from "../../../server/load_error.ts";

/** A program that has been loaded. */
export interface Program {
  /** What it is: "export default { fetch }", "Deno.serve" and so on. */
  readonly form: string;
  /** What it listens on, as it thinks. */
  readonly servers: readonly CapturedServer[];
  answer(exchange: Exchange): Reply | Promise<Reply>;
}

/** A program that cannot be loaded, with the place and what was expected. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

/** The forms of a program, for those who have none of them. */
export const FORMS =
  'a program has "export default { fetch(request) { … } }", or a default export that is a function of the ' +
  "request or an object with fetch (Hono, H3, Elysia), or calls Deno.serve(), or listen() of a server of node:http (Express, Fastify, Koa)";

/** A program that listens, and is not loaded to its end, is taken to be ready after this long (ms). */
const READY_MS = 1000;
/** A program without a default export has this long (ms) until it listens. */
const LISTEN_MS = 30_000;

/** What a program is told of how it was started. */
export interface ProgramStart {
  /** An absolute URL. */
  readonly url: string;
  /** Deno.args. */
  readonly args: readonly string[];
  /** A debugger is to stop at the first statement. */
  readonly stops?: boolean;
}

/** Loads a program whose servers go to `capture`. @throws ProgramError */
export async function loadProgram(start: ProgramStart, capture: Capture): Promise<Program> {
  const { url } = start;
  beMainModule(start);
  const listened = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<undefined>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const servers = capture.begin(() => {
    listened.resolve();
    timer ??= setTimeout(() => ready.resolve(undefined), READY_MS);
  }, () => ready.resolve(undefined));
  try {
    const exported = await Promise.race([import(url) as Promise<{ default?: unknown }>, ready.promise]);
    const own = exportedHandler(exported?.default);
    // What a program starts itself comes before what it exports, as with `deno run`.
    if (servers.length === 0 && own !== undefined) return { form: own.form, servers, answer: own.answer };
    if (servers.length === 0) await inTime(url, listened.promise);
  } catch (error) {
    throw error instanceof ProgramError
      ? error
      : new ProgramError(describeLoadError(error, url), { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const answer: Answer = (exchange) =>
    (servers.length === 1 ? servers[0] : serverFor(servers, exchange.transport.local)).answer(exchange);
  return { form: servers[0].by, servers, answer };
}

/** Waits for a program to listen. @throws ProgramError that names the forms */
async function inTime(url: string, listened: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ProgramError(`${url} is loaded and serves nothing: ${FORMS}`)),
      LISTEN_MS,
    );
    // Where nothing else is left to wait for, there is no need to wait for this.
    Deno.unrefTimer(timer as unknown as number);
  });
  try {
    await Promise.race([listened, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a default export answers with; undefined for one that cannot. */
function exportedHandler(exported: unknown): { form: string; answer: Answer } | undefined {
  if (typeof exported === "function" && !/^class\b/.test(Function.prototype.toString.call(exported))) {
    const { fetch } = exported as { fetch?: unknown };
    if (typeof fetch !== "function") {
      const handler = exported as FetchHandler;
      return { form: "export default function", answer: (exchange) => answerWith(handler, exchange) };
    }
  }
  if (exported === null || (typeof exported !== "object" && typeof exported !== "function")) return undefined;
  const application = exported as { fetch?: unknown };
  if (typeof application.fetch !== "function") return undefined;
  // Looked up for every request: some frameworks make another one when a route is added.
  const handler: FetchHandler = (request, info) =>
    (application as { fetch: FetchHandler }).fetch(request, info);
  return { form: "export default { fetch }", answer: (exchange) => answerWith(handler, exchange) };
}

/** Makes a module the one that was started, as far as it can see. */
function beMainModule({ url, args, stops = false }: ProgramStart): void {
  const define = (name: string, value: unknown) =>
    Object.defineProperty(Deno, name, { configurable: true, enumerable: true, value });
  define("mainModule", url);
  define("args", [...args]);
  if (!url.startsWith("file:")) return;
  const file = fromFileUrl(url);
  process.argv.splice(1, process.argv.length, file, ...args);
  // import.meta is made by Deno, which knows of one main module only: a program that asks is told in its first line.
  const asks = /\bimport\s*\.\s*meta\s*\.\s*main\b/.test(sourceOf(file));
  if (!asks && !stops) return;
  // An older Deno has none: there import.meta.main is false.
  if (typeof nodeModule.registerHooks !== "function") return;
  const hooks = nodeModule.registerHooks({
    load(loaded, context, next) {
      const result = next(loaded, context);
      if (loaded !== url) return result;
      hooks.deregister();
      const first = `${asks ? "import.meta.main = true; " : ""}${stops ? "debugger; " : ""}`;
      return { ...result, source: `${first}${result.source}` };
    },
  });
}

/** The text of a module; "" when it cannot be read, which importing it will tell. */
function sourceOf(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Error) return "";
    throw error;
  }
}
