// How does a function from Request to Response answer an exchange? It gets the request and what `deno serve` tells beside it; what
// it returns becomes the reply.

import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { FetchInfo } from "./application.ts";
import { requestOf, RequestOverError } from "./lazy_request.ts";
import { replyOf } from "./response_reply.ts";
import { upgradeReply } from "./web_socket_upgrade.ts";

/** What answers a request, however it was given to the server. */
export type FetchHandler = (request: Request, info: FetchInfo) => Response | Promise<Response>;

class Info implements FetchInfo {
  readonly #exchange: Exchange;
  #remoteAddr: FetchInfo["remoteAddr"] | undefined = undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get remoteAddr(): FetchInfo["remoteAddr"] {
    if (this.#remoteAddr === undefined) {
      if (this.#exchange.over) throw new RequestOverError("client's address");
      const { address, port } = this.#exchange.client;
      this.#remoteAddr = { transport: "tcp", hostname: address, port };
    }
    return this.#remoteAddr;
  }

  get completed(): Promise<void> {
    if (!this.#exchange.over) {
      // Whoever waits for the end may want to say then who asked for what.
      this.#exchange.detach();
      this.#remoteAddr = this.remoteAddr;
    }
    return this.#exchange.completed;
  }
}

/** The reply to `exchange` that `handler` gives; `onError`: what is answered when it throws, rejects or returns no Response. */
export function answerWith(
  handler: FetchHandler,
  exchange: Exchange,
  onError?: (error: unknown) => Response | Promise<Response>,
): Reply | Promise<Reply> {
  const headOnly = exchange.method === "HEAD";
  const reply = (made: Response) => upgradeReply(made, exchange) ?? replyOf(made, headOnly);
  const settle = (response: Response | Promise<Response>): Reply | Promise<Reply> => {
    if (response instanceof Promise) return response.then(reply);
    // A promise of another make.
    const then = (response as unknown as { then?: unknown } | null)?.then;
    return typeof then === "function" ? Promise.resolve(response).then(reply) : reply(response);
  };
  if (onError === undefined) return settle(handler(requestOf(exchange), new Info(exchange)));
  const failed = async (error: unknown): Promise<Reply> => reply(await onError(error));
  try {
    const settled = settle(handler(requestOf(exchange), new Info(exchange)));
    return settled instanceof Promise ? settled.catch(failed) : settled;
  } catch (error) {
    return failed(error);
  }
}
