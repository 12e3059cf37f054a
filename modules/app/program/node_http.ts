// What does listen() of a server of node:http do in a server thread? It listens nowhere: the server's "request" event gets the requests
// of an address that the MPM has. Express, Fastify, Koa and what is built on them come by here.

import { Server, ServerResponse } from "node:http";
import { Server as SecureServer } from "node:https";
import process from "node:process";
import type { Reply } from "../../../server/http/engine/reply.ts";
import type { Exchange } from "../../../server/request/exchange.ts";
import type { NamedAddress } from "../../../server/program_probe.ts";
import type { Capture, CapturedServer } from "./capture.ts";
import { selfScheme } from "../../../server/request/self_name.ts";
import { abort, ClientSocket, incoming } from "./node_request.ts";
import { NodeReply, replyInsteadOfWriting } from "./node_response.ts";
import { UpgradeSocket } from "./node_upgrade.ts";

/** Servers that listen, as they think. */
const listening = new WeakMap<Server, CapturedServer>();

const GONE: Reply = {
  status: 503,
  fields: [],
  contentType: "text/plain",
  body: { kind: "text", text: "This server of the application was closed.\n" },
  close: true,
};

/** From now on servers of node:http in this thread are servers of `capture`. */
export function captureNodeHttp(capture: Capture): void {
  replyInsteadOfWriting();
  define(SecureServer.prototype, {
    listen() {
      throw new Error(
        "https.createServer(): this server reads certificates from its configuration (SSLCertificateFile); use node:http here",
      );
    },
  });
  define(Server.prototype, {
    listen(this: Server, ...args: unknown[]): Server {
      const callback = args.findLast((one) => typeof one === "function") as (() => void) | undefined;
      const named = addressOf(args.filter((one) => typeof one !== "function"));
      if (callback !== undefined) this.once("listening", callback);
      const captured = capture.add(
        "node:http",
        named,
        (exchange) => listening.has(this) ? answer(this, exchange) : GONE,
        () => this.close(),
      );
      listening.set(this, captured);
      process.nextTick(() => this.emit("listening"));
      return this;
    },
    close(this: Server, callback?: (error?: Error) => void): Server {
      const was = listening.delete(this);
      const error = was ? undefined : Object.assign(new Error("Server is not running."), {
        code: "ERR_SERVER_NOT_RUNNING",
      });
      process.nextTick(() => {
        callback?.(error);
        if (was) this.emit("close");
      });
      return this;
    },
    address(this: Server) {
      const at = listening.get(this)?.at;
      if (at === undefined) return null;
      if ("path" in at) return at.path;
      const address = at.hostname === "" ? "::" : at.hostname;
      return { address, port: at.port, family: address.includes(":") ? "IPv6" : "IPv4" };
    },
    getConnections(this: Server, callback: (error: Error | null, count: number) => void): Server {
      process.nextTick(callback, null, 0);
      return this;
    },
    closeAllConnections() {},
    closeIdleConnections() {},
    ref(this: Server): Server {
      return this;
    },
    unref(this: Server): Server {
      return this;
    },
  });
  Object.defineProperty(Server.prototype, "listening", {
    configurable: true,
    get(this: Server): boolean {
      return listening.has(this);
    },
  });
}

function define(prototype: object, methods: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { configurable: true, writable: true, value });
  }
}

/** (port, host, …), (path) or ({ port, host, path }). @throws TypeError for what is neither */
function addressOf([first, second]: readonly unknown[]): NamedAddress {
  if (typeof first === "object" && first !== null) {
    const { port, host, path, fd } = first as {
      port?: unknown;
      host?: unknown;
      path?: unknown;
      fd?: unknown;
    };
    if (fd !== undefined) throw new TypeError("listen({ fd }): this server has its sockets by Listen lines");
    return typeof path === "string" ? { path } : addressOf([port ?? 0, host]);
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return { path: first };
  return { hostname: typeof second === "string" ? second : "", port: Number(first ?? 0) };
}

/** The reply of a server to an exchange. */
function answer(server: Server, exchange: Exchange): Reply | Promise<Reply> {
  if (exchange.head.upgrade !== undefined && server.listenerCount("upgrade") > 0) {
    return upgrade(server, exchange);
  }
  const socket = new ClientSocket(exchange, selfScheme(exchange) === "https");
  const request = incoming(exchange, socket);
  const response = new ServerResponse(request);
  Object.assign(response, { socket });
  const node = new NodeReply(response, exchange);
  server.emit("request", request, response);
  if (node.reply !== undefined && node.reply.body.kind !== "stream") return node.reply;
  // Who is not answered at once may go away meanwhile.
  exchange.signal.addEventListener("abort", () => {
    if (response.writableEnded) return;
    abort(request);
    socket.destroy();
    socket.emit("close");
    node.broken();
  }, { once: true });
  if (node.reply !== undefined) return node.reply;
  return new Promise((resolve) => node.onReply = resolve);
}

function upgrade(server: Server, exchange: Exchange): Promise<Reply> {
  const socket = new UpgradeSocket(exchange);
  const request = incoming(exchange, new ClientSocket(exchange, selfScheme(exchange) === "https"));
  Object.assign(request, { upgrade: true, socket });
  server.emit("upgrade", request, socket, new Uint8Array(0));
  return socket.reply;
}
