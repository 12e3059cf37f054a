// What does Deno.serve() do in a server thread? It listens nowhere: the handler answers the requests of an address that the MPM
// has, and what is returned behaves like the server that the program expects.

import type { Reply } from "../../../server/http/engine/reply.ts";
import { answerWith, type FetchHandler } from "../fetch_answer.ts";
import type { NamedAddress } from "../../../server/program_probe.ts";
import type { Capture } from "./capture.ts";

/** What this server takes of Deno.serve's options; the rest says how to listen, which is the MPM's to decide. */
interface ServeOptions {
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
  readonly transport?: string;
  readonly cid?: unknown;
  readonly cert?: unknown;
  readonly key?: unknown;
  readonly signal?: AbortSignal;
  readonly handler?: unknown;
  readonly onListen?: (at: Deno.NetAddr | Deno.UnixAddr) => void;
  readonly onError?: (error: unknown) => Response | Promise<Response>;
}

/** Deno's default. */
const DEFAULT_PORT = 8000;

/** As a server says that it has ended. */
const GONE: Reply = {
  status: 503,
  fields: [],
  contentType: "text/plain",
  body: { kind: "text", text: "This server of the application was shut down.\n" },
  close: true,
};

/** From now on Deno.serve() of this thread starts servers of `capture`. */
export function captureDenoServe(capture: Capture): void {
  Object.defineProperty(Deno, "serve", {
    configurable: true,
    enumerable: true,
    writable: true,
    value: (first: unknown, second?: unknown) => serve(capture, first, second),
  });
}

/** The forms of its arguments: (handler), (options, handler), (options with a handler). @throws TypeError, as Deno.serve() */
function argumentsOf(first: unknown, second: unknown): [ServeOptions, FetchHandler] {
  if (typeof first === "function") return [(second ?? {}) as ServeOptions, first as FetchHandler];
  const options = (first ?? {}) as ServeOptions;
  const handler = second ?? options.handler;
  if (typeof handler !== "function") {
    throw new TypeError("Cannot serve HTTP requests: handler must be a function");
  }
  return [options, handler as FetchHandler];
}

/** Where the options say to listen. @throws TypeError for what this server has no way to do */
function addressOf({ transport, cid, cert, key, path, hostname, port }: ServeOptions): NamedAddress {
  if (transport === "vsock" || cid !== undefined) {
    throw new TypeError("Deno.serve: this server does not listen on vsock");
  }
  if (cert !== undefined || key !== undefined) {
    throw new TypeError(
      "Deno.serve with cert and key: this server reads certificates from its configuration (SSLCertificateFile), not from the program",
    );
  }
  if (path !== undefined) return { path };
  return { hostname: hostname ?? "0.0.0.0", port: port ?? DEFAULT_PORT };
}

function serve(
  capture: Capture,
  first: unknown,
  second: unknown,
): Deno.HttpServer<Deno.NetAddr | Deno.UnixAddr> {
  const [options, handler] = argumentsOf(first, second);
  const { onError, onListen, signal } = options;
  const finished = Promise.withResolvers<void>();
  let over = false;
  const shutdown = (): Promise<void> => {
    over = true;
    finished.resolve();
    return finished.promise;
  };
  const named = addressOf(options);
  const { at } = capture.add(
    "Deno.serve",
    named,
    (exchange) => over ? GONE : answerWith(handler, exchange, onError),
    shutdown,
  );
  if (signal?.aborted) shutdown();
  else signal?.addEventListener("abort", shutdown, { once: true });
  const addr: Deno.NetAddr | Deno.UnixAddr = "path" in at
    ? { transport: "unix", path: at.path }
    : { transport: "tcp", hostname: at.hostname || "0.0.0.0", port: at.port };
  const server = {
    addr,
    get finished() {
      capture.waits();
      return finished.promise;
    },
    shutdown,
    ref() {},
    unref() {},
    [Symbol.asyncDispose]: shutdown,
  };
  onListen?.(addr);
  return server;
}
