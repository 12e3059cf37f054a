// What is a Response in a server thread? One that remembers what it was made of. The platform's own keeps a string or bytes as a stream
// that has to be read again, and makes Headers of every record; here the real Response is made when something is asked that only
// that can do. `Response` of a server thread is this class (useOwnResponse), and what the platform makes is one of its instances.

import { LazyBody, type Source } from "./lazy_body.ts";
import { type HeaderList, headerListOf, OwnHeaders, useOwnHeaders } from "./own_headers.ts";

const Native = globalThis.Response;
type NativeResponse = InstanceType<typeof Native>;

/** What a reply is made of, without reading a stream. */
export interface Ingredients {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Iterable<[string, string]>;
  readonly source: Source;
}

/** Statuses whose responses have no body (Fetch standard, "null body status"). */
function isNullBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** RFC 9112 reason-phrase, one byte a character. */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A source with the Content-Type that the Fetch standard gives it; undefined: the platform has to look at it. */
function sourceOf(body: unknown): { source: Source; type: string | undefined } | undefined {
  if (body === undefined || body === null) return { source: null, type: undefined };
  if (typeof body === "string") return { source: body.toWellFormed(), type: "text/plain;charset=UTF-8" };
  if (typeof body !== "object") return undefined;
  // A Response has the content that there was when it was made: memory is copied.
  if (body instanceof Uint8Array) return { source: new Uint8Array(body), type: undefined };
  if (body instanceof ArrayBuffer) return { source: new Uint8Array(body.slice(0)), type: undefined };
  if (ArrayBuffer.isView(body)) {
    const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    return { source: new Uint8Array(bytes), type: undefined };
  }
  if (body instanceof URLSearchParams) {
    return { source: String(body), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  // A stream has no type of its own, whatever it was made of. One that somebody has looked into is the platform's affair.
  if (LazyBody.is(body)) {
    return LazyBody.isMade(body) ? undefined : { source: LazyBody.sourceOf(body), type: undefined };
  }
  if (body instanceof Blob) return { source: body, type: body.type === "" ? undefined : body.type };
  return undefined;
}

/** A Response that is made from the outside in. */
class OwnResponse {
  /** Undefined: only the real one knows. */
  #source: Source | undefined = undefined;
  #status = 200;
  #statusText = "";
  /** As a list until they are asked for. */
  #list: HeaderList = [];
  /** The last of the list is the Content-Type that goes with the body. */
  #typedByDefault = false;
  #headers: OwnHeaders | undefined = undefined;
  /** What was given out as its body, or taken from another. */
  #body: LazyBody | undefined = undefined;
  #real: NativeResponse | undefined = undefined;

  constructor(body?: BodyInit | null, init?: ResponseInit) {
    if (this.#takes(body, init)) return;
    this.#real = new Native(LazyBody.is(body) ? LazyBody.realOf(body) : body, init);
    if (body instanceof FormData) this.#source = body;
    else if (LazyBody.is(body)) {
      this.#source = LazyBody.sourceOf(body);
      this.#body = body;
    } else this.#source = sourceOf(body)?.source;
  }

  /** Takes everything as it is, if there is nothing about it that only the platform can judge. */
  #takes(body: unknown, init: ResponseInit | undefined): boolean {
    const made = sourceOf(body);
    if (made === undefined) return false;
    const { source, type } = made;
    if (init !== undefined && init !== null) {
      if (typeof init !== "object") return false;
      const { status, statusText, headers } = init;
      if (status !== undefined) {
        if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599) {
          return false;
        }
        if (source !== null && isNullBody(status)) return false;
        this.#status = status;
      }
      if (statusText !== undefined) {
        if (typeof statusText !== "string" || !REASON.test(statusText)) return false;
        this.#statusText = statusText;
      }
      const list = headerListOf(headers);
      if (list === undefined) return false;
      this.#list = list;
    }
    if (type !== undefined && !hasType(this.#list)) {
      this.#list.push(["content-type", type]);
      this.#typedByDefault = true;
    }
    this.#source = source;
    if (LazyBody.is(body)) this.#body = body;
    return true;
  }

  get status(): number {
    return this.#real?.status ?? this.#status;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get statusText(): string {
    return this.#real?.statusText ?? this.#statusText;
  }

  get type(): ResponseType {
    return "default";
  }

  get url(): string {
    return "";
  }

  get redirected(): boolean {
    return false;
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      if (this.#real !== undefined) return this.#real.headers;
      this.#headers = OwnHeaders.over(this.#list);
    }
    return this.#headers as unknown as Headers;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const source = this.#source;
    if (source === null) return null;
    if (source === undefined || (this.#body === undefined && this.#real !== undefined)) {
      return OwnResponse.realOf(this).body;
    }
    this.#body ??= new LazyBody(source, () => OwnResponse.realOf(this).body!);
    return this.#body as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  get bodyUsed(): boolean {
    // Its stream may have been read by whoever else has it.
    if (this.#looked) return OwnResponse.realOf(this).bodyUsed;
    return this.#real?.bodyUsed ?? false;
  }

  clone(): Response {
    const { status, statusText, headers } = this;
    const init = { status, statusText, headers };
    const source = this.#source;
    // Nobody has looked into it: another of the same.
    if (source !== undefined && !(source instanceof FormData) && this.#real === undefined && !this.#looked) {
      const made = new OwnResponse(null, init);
      made.#source = source;
      return made as unknown as Response;
    }
    // Whoever has read the body already is refused, as ever.
    const { body } = OwnResponse.realOf(this).clone();
    const made = new OwnResponse(body, init);
    made.#source = source;
    return made as unknown as Response;
  }

  /** Its body is a stream by now. */
  get #looked(): boolean {
    return this.#body !== undefined && LazyBody.isMade(this.#body);
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(data);
    const made = new OwnResponse(text, init);
    // The platform says what is wrong with what is no JSON, and makes what only it can.
    if (text === undefined || made.#real !== undefined) return Native.json(data, init);
    if (made.#typedByDefault) made.#list[made.#list.length - 1][1] = "application/json";
    return made as unknown as Response;
  }

  static redirect(url: string | URL, status?: number): Response {
    return Native.redirect(url, status);
  }

  static error(): Response {
    return Native.error();
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    // What the platform makes (fetch(), Response.redirect()) is a Response too; subclasses are their own affair.
    return this === OwnResponse
      ? value instanceof Native
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  /** The real Response; from now on it has the headers. */
  static realOf(response: OwnResponse): NativeResponse {
    if (response.#real !== undefined) return response.#real;
    const list = [
      ...(response.#headers === undefined ? response.#list : OwnHeaders.entriesOf(response.#headers)),
    ];
    const real = new Native(response.#source, {
      status: response.#status,
      statusText: response.#statusText,
      headers: list,
    });
    // A type that was taken away does not come back.
    if (!hasType(list)) real.headers.delete("content-type");
    if (response.#headers !== undefined) OwnHeaders.become(response.#headers, real.headers);
    return response.#real = real;
  }

  /** What `response`, whose body was not used, is made of; undefined where that is a stream. */
  static ingredientsOf(response: OwnResponse): Ingredients | undefined {
    const source = response.#source;
    if (source === undefined || response.body?.locked === true) return undefined;
    const { status, statusText } = response;
    const headers = response.#headers !== undefined
      ? OwnHeaders.entriesOf(response.#headers)
      : response.#real?.headers ?? response.#list;
    return { status, statusText, headers, source };
  }

  /** `response` is one of these. */
  static is(response: object): response is OwnResponse {
    return #source in response;
  }
}

function hasType(list: HeaderList): boolean {
  return list.some(([name]) => name === "content-type");
}

for (const name of ["arrayBuffer", "blob", "bytes", "formData", "json", "text", "textStream"]) {
  const method = Reflect.get(Native.prototype, name);
  if (typeof method !== "function") continue;
  Object.defineProperty(OwnResponse.prototype, name, {
    configurable: true,
    writable: true,
    value(this: OwnResponse) {
      return method.call(OwnResponse.realOf(this));
    },
  });
}
// What the platform keeps within a Response, it finds in the real one: caches, WebAssembly.compileStreaming().
for (const symbol of Object.getOwnPropertySymbols(new Native())) {
  Object.defineProperty(OwnResponse.prototype, symbol, {
    get(this: OwnResponse) {
      return Reflect.get(OwnResponse.realOf(this), symbol);
    },
  });
}
Object.setPrototypeOf(OwnResponse.prototype, Native.prototype);
Object.defineProperty(OwnResponse, "name", { value: "Response" });
Object.defineProperty(OwnResponse, "length", { value: 0 });

/** What the response of a handler is made of; undefined for a stream, and for what the platform has made. */
export function ingredientsOf(response: Response): Ingredients | undefined {
  return OwnResponse.is(response) ? OwnResponse.ingredientsOf(response) : undefined;
}

/** From now on `new Response()` makes ours on this thread. */
export function useOwnResponse(): void {
  useOwnHeaders();
  globalThis.Response = OwnResponse as unknown as typeof Response;
  Object.defineProperty(Native.prototype, "constructor", {
    configurable: true,
    writable: true,
    value: OwnResponse,
  });
}
