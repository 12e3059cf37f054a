// What does an application get as its request? An object that is a Request, but is built piece by piece as it is asked for:
// method, url and headers cost nothing until they are read, and most applications read little else.

import { isFieldName } from "../../server/http/content/mod.ts";
import { Field, type RequestHead } from "../../server/http/parser/mod.ts";
import { selfScheme } from "../../server/request/self_name.ts";
import type { Exchange } from "../../server/request/exchange.ts";

/** `name` in lower case. @throws TypeError when it is none, as the real Headers does */
function checked(name: unknown): string {
  const text = String(name);
  if (!isFieldName(text)) throw new TypeError(`Invalid header name: ${JSON.stringify(text)}`);
  return text.toLowerCase();
}

/** What was not read of a request while it was in hand, as with `deno serve`. */
export class RequestOverError extends TypeError {
  override readonly name = "RequestOverError";

  constructor(what: string) {
    super(`the request is over, and its ${what} had not been read`);
  }
}

/** The head, which each time is asked for anew: it moves to bytes of its own when a handler takes its time. @throws RequestOverError */
function headOf(exchange: Exchange): RequestHead {
  if (exchange.over && !exchange.detached) throw new RequestOverError("head");
  return exchange.head;
}

/** Headers that are looked up in the request's head, and copied only for more than that. */
class LazyHeaders {
  readonly #exchange: Exchange;
  #headers: Headers | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get(name: string): string | null {
    if (this.#headers !== undefined) return this.#headers.get(name);
    return headOf(this.#exchange).get(checked(name)) ?? null;
  }

  has(name: string): boolean {
    if (this.#headers !== undefined) return this.#headers.has(name);
    return headOf(this.#exchange).get(checked(name)) !== undefined;
  }

  real(): Headers {
    return this.#headers ??= new Headers([...headOf(this.#exchange).entries()] as [string, string][]);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.real()[Symbol.iterator]();
  }
}

for (const name of ["append", "delete", "entries", "forEach", "getSetCookie", "keys", "set", "values"]) {
  Object.defineProperty(LazyHeaders.prototype, name, {
    value(this: LazyHeaders, ...args: unknown[]) {
      const real = this.real();
      return Reflect.get(real, name).apply(real, args);
    },
  });
}
Object.setPrototypeOf(LazyHeaders.prototype, Headers.prototype);

/** Everything but method, url, headers and signal is what a real Request says. */
class LazyRequest {
  readonly #exchange: Exchange;
  #url: string | undefined;
  #headers: LazyHeaders | undefined;
  #request: Request | undefined;
  /** The body was taken as a whole. */
  #used = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get method(): string {
    headOf(this.#exchange);
    return this.#exchange.method;
  }

  get url(): string {
    return this.#url ??= urlOf(this.#exchange);
  }

  get headers(): Headers {
    if (this.#request !== undefined) return this.#request.headers;
    this.#headers ??= new LazyHeaders(this.#exchange);
    return this.#headers as unknown as Headers;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  /**
   * The whole body, without a stream; undefined: the real Request has the body, or has none to give. The body is used then.
   */
  static wholeOf(request: LazyRequest): Promise<Uint8Array<ArrayBuffer>> | undefined {
    const { body } = request.#exchange;
    if (request.#request !== undefined || body === undefined) return undefined;
    if (request.#used) return Promise.reject(new TypeError("Body already consumed."));
    request.#used = true;
    return body.whole();
  }

  get bodyUsed(): boolean {
    return this.#used || (this.#request?.bodyUsed ?? false);
  }

  /** The exchange of a request that is one of these. */
  static exchangeOf(request: Request): Exchange | undefined {
    return #exchange in request ? (request as LazyRequest).#exchange : undefined;
  }

  /** The real Request, made when something is asked for that only it can do. */
  real(): Request {
    if (this.#request === undefined) {
      const { method } = this;
      // A Request copies what it is given: changes that the application has made are kept.
      const headers = (this.#headers ?? new LazyHeaders(this.#exchange)).real();
      const bodyless = method === "GET" || method === "HEAD";
      // Request refuses to have some methods; this object has them all the same.
      const refused = /^(?:CONNECT|TRACE|TRACK)$/i.test(method) || !isFieldName(method);
      this.#request = new Request(this.url, {
        method: refused ? "POST" : method,
        headers,
        signal: this.signal,
        body: bodyless ? undefined : this.#used ? "" : this.#exchange.body?.stream(),
      });
      // What was taken from here is used there too.
      if (this.#used) this.#request.text();
    }
    return this.#request;
  }
}

const PROPERTIES = [
  "body",
  "cache",
  "credentials",
  "destination",
  "integrity",
  "isHistoryNavigation",
  "isReloadNavigation",
  "keepalive",
  "mode",
  "redirect",
  "referrer",
  "referrerPolicy",
];
/** How the whole body is read, by method. */
const READERS: Readonly<
  Record<string, (bytes: Uint8Array<ArrayBuffer>, request: LazyRequest) => unknown>
> = {
  arrayBuffer: (bytes) => bytes.buffer.byteLength === bytes.length ? bytes.buffer : bytes.slice().buffer,
  blob: (bytes, { headers }) => new Response(bytes, typeOf(headers)).blob(),
  bytes: (bytes) => bytes,
  formData: (bytes, { headers }) => new Response(bytes, typeOf(headers)).formData(),
  json: (bytes) => JSON.parse(decoder.decode(bytes)),
  text: (bytes) => decoder.decode(bytes),
};
const decoder = new TextDecoder();

function typeOf(headers: Headers): ResponseInit {
  const type = headers.get("content-type");
  return type === null ? {} : { headers: { "content-type": type } };
}

for (const name of PROPERTIES) {
  Object.defineProperty(LazyRequest.prototype, name, {
    get(this: LazyRequest) {
      return Reflect.get(this.real(), name);
    },
  });
}
for (const [name, read] of Object.entries(READERS)) {
  Object.defineProperty(LazyRequest.prototype, name, {
    async value(this: LazyRequest) {
      const whole = LazyRequest.wholeOf(this);
      if (whole !== undefined) return read(await whole, this);
      const real = this.real();
      return await Reflect.get(real, name).call(real);
    },
  });
}
Object.defineProperty(LazyRequest.prototype, "clone", {
  value(this: LazyRequest) {
    return this.real().clone();
  },
});
// What the platform keeps within a Request, it finds in the real one: new Request(request), fetch(request), caches.
for (const symbol of Object.getOwnPropertySymbols(new Request("http://localhost/"))) {
  Object.defineProperty(LazyRequest.prototype, symbol, {
    get(this: LazyRequest) {
      return Reflect.get(this.real(), symbol);
    },
  });
}
// So that `request instanceof Request` holds.
Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);

/** The target that is answered: the client's, or where the server has sent the request (an error document), or what a part is asked for. */
export function targetOf({ head, redirected, main, path, query }: Exchange): string {
  if (redirected === undefined && main === undefined) return head.target;
  return encodeURI(path) + (query === "" ? "" : `?${query}`);
}

/** The URL that was asked for, with the host that the client named, or else the address it connected to. */
function urlOf(exchange: Exchange): string {
  const head = headOf(exchange);
  const target = targetOf(exchange);
  if (target === head.target && head.form === "absolute") return target;
  const scheme = selfScheme(exchange);
  let host = head.field(Field.Host);
  if (!host) {
    if (exchange.over) throw new RequestOverError("URL");
    const { address, port } = exchange.transport.local;
    host = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  }
  return `${scheme}://${host}${target}`;
}

/** The exchange behind `request`; undefined if that is another Request. */
export function exchangeOf(request: Request): Exchange | undefined {
  return LazyRequest.exchangeOf(request);
}

/** The Request of an exchange. */
export function requestOf(exchange: Exchange): Request {
  return new LazyRequest(exchange) as unknown as Request;
}
