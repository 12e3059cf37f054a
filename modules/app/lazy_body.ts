// What is the body of a Response that was made of a text or bytes, when somebody asks for it? A stream that is only made when it is looked
// into: mostly it is handed on to another Response, which then is made of the same.

const Native = globalThis.ReadableStream;

/** What a body was made of. */
export type Source = string | Uint8Array<ArrayBuffer> | Blob | FormData | null;

/** A ReadableStream that is made when it is needed. */
export class LazyBody {
  readonly #source: Source;
  readonly #make: () => ReadableStream<Uint8Array<ArrayBuffer>>;
  #real: ReadableStream<Uint8Array<ArrayBuffer>> | undefined = undefined;

  constructor(source: Source, make: () => ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#source = source;
    this.#make = make;
  }

  /** `stream` is one of these. */
  static is(stream: unknown): stream is LazyBody {
    return typeof stream === "object" && stream !== null && #source in stream;
  }

  static sourceOf(body: LazyBody): Source {
    return body.#source;
  }

  /** The stream. */
  static realOf(body: LazyBody): ReadableStream<Uint8Array<ArrayBuffer>> {
    return body.#real ??= body.#make();
  }

  /** Somebody has looked into it. */
  static isMade(body: LazyBody): boolean {
    return body.#real !== undefined;
  }

  get locked(): boolean {
    return this.#real?.locked ?? false;
  }
}

const probe = new Native();
for (const name of ["cancel", "getReader", "pipeThrough", "pipeTo", "tee", "values", Symbol.asyncIterator]) {
  Object.defineProperty(LazyBody.prototype, name, {
    configurable: true,
    writable: true,
    value(this: LazyBody, ...args: unknown[]) {
      const real = LazyBody.realOf(this);
      return Reflect.get(real, name).apply(real, args);
    },
  });
}
// What the platform keeps within a stream, it finds in the real one, and changes there.
for (const symbol of Object.getOwnPropertySymbols(probe)) {
  Object.defineProperty(LazyBody.prototype, symbol, {
    get(this: LazyBody) {
      return Reflect.get(LazyBody.realOf(this), symbol);
    },
    set(this: LazyBody, value: unknown) {
      Reflect.set(LazyBody.realOf(this), symbol, value);
    },
  });
}
Object.setPrototypeOf(LazyBody.prototype, Native.prototype);
Object.defineProperty(LazyBody.prototype, "constructor", {
  configurable: true,
  writable: true,
  value: Native,
});
