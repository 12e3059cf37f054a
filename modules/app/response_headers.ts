// What are the headers of a Response that an application has made? A list, which most handlers only look at or add to; for whatever
// else there is to do with Headers, real ones are made of it, and count from then on.

import { isFieldName, isFieldValue } from "../../server/http/content/mod.ts";

/** Names are in lower case; values without white space at their ends. */
export type HeaderList = [name: string, value: string][];

/** Around a value (RFC 9110 §5.5); the platform takes line breaks there too. */
const AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** `value` as it is kept; undefined: not one that is taken without a closer look. */
function normalValue(value: unknown): string | undefined {
  const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
  if (text === undefined) return undefined;
  const bare = text.length > 0 && text.charCodeAt(0) > 0x20 && text.charCodeAt(text.length - 1) > 0x20;
  const trimmed = bare ? text : text.replace(AROUND, "");
  return isFieldValue(trimmed) ? trimmed : undefined;
}

/** Fields that the reply is made of. */
const SINGLE: ReadonlySet<string> = new Set(["content-type", "content-length"]);

function addPlain(list: HeaderList, name: unknown, value: unknown): boolean {
  if (typeof name !== "string" || !isFieldName(name)) return false;
  const normal = normalValue(value);
  if (normal === undefined) return false;
  const lower = name.toLowerCase();
  // What these mean twice, the platform says.
  if (SINGLE.has(lower)) { for (const [known] of list) if (known === lower) return false; }
  list.push([lower, normal]);
  return true;
}

/**
 * The list that `init` stands for: a record, an array of pairs, or Headers. Undefined: something that only the platform can
 * say what to make of, or that it refuses.
 */
export function headerListOf(init: unknown): HeaderList | undefined {
  const list: HeaderList = [];
  if (init === undefined) return list;
  if (typeof init !== "object" || init === null) return undefined;
  if (init instanceof Headers) {
    const entries = ResponseHeaders.is(init) ? init.entriesOf() : init;
    for (const [name, value] of entries) list.push([name, value]);
    return list;
  }
  if (Array.isArray(init)) {
    for (const pair of init) {
      if (!Array.isArray(pair) || pair.length !== 2 || !addPlain(list, pair[0], pair[1])) return undefined;
    }
    return list;
  }
  const prototype = Object.getPrototypeOf(init);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  if (Symbol.iterator in init) return undefined;
  for (const name of Object.keys(init)) {
    if (!addPlain(list, name, (init as Record<string, unknown>)[name])) return undefined;
  }
  return list;
}

/** Headers over a list. */
export class ResponseHeaders {
  #list: HeaderList;
  #real: Headers | undefined = undefined;

  constructor(list: HeaderList) {
    this.#list = list;
  }

  /** Names in lower case with their values: as they were set, or sorted and joined once real Headers have been made. */
  entriesOf(): Iterable<[string, string]> {
    return this.#real ?? this.#list;
  }

  get(name: string): string | null {
    if (this.#real !== undefined || !isFieldName(name)) return this.#made().get(name);
    const lower = name.toLowerCase();
    let found: string | null = null;
    for (const [known, value] of this.#list) {
      if (known === lower) found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  has(name: string): boolean {
    if (this.#real !== undefined || !isFieldName(name)) return this.#made().has(name);
    const lower = name.toLowerCase();
    return this.#list.some(([known]) => known === lower);
  }

  set(name: string, value: string): void {
    const normal = normalValue(value);
    if (this.#real !== undefined || !isFieldName(name) || normal === undefined) {
      return this.#made().set(name, value);
    }
    const lower = name.toLowerCase();
    const at = this.#list.findIndex(([known]) => known === lower);
    if (at < 0) this.#list.push([lower, normal]);
    else {
      this.#list[at] = [lower, normal];
      this.#list = this.#list.filter(([known], i) => i <= at || known !== lower);
    }
  }

  append(name: string, value: string): void {
    if (this.#real !== undefined || !addPlain(this.#list, name, value)) this.#made().append(name, value);
  }

  delete(name: string): void {
    if (this.#real !== undefined || !isFieldName(name)) return this.#made().delete(name);
    const lower = name.toLowerCase();
    this.#list = this.#list.filter(([known]) => known !== lower);
  }

  #made(): Headers {
    return this.#real ??= new Headers(this.#list);
  }

  /** From now on `real` counts. */
  static become(headers: ResponseHeaders, real: Headers): void {
    headers.#real = real;
  }

  /** The real Headers behind `headers`, which may be some already. */
  static realOf(headers: ResponseHeaders): Headers {
    return headers.#made();
  }

  /** `headers` is one of these. */
  static is(headers: object): headers is ResponseHeaders {
    return #list in headers;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#made()[Symbol.iterator]();
  }
}

for (const name of ["entries", "forEach", "getSetCookie", "keys", "values"]) {
  Object.defineProperty(ResponseHeaders.prototype, name, {
    value(this: ResponseHeaders, ...args: unknown[]) {
      const real = ResponseHeaders.realOf(this);
      return Reflect.get(real, name).apply(real, args);
    },
  });
}
Object.setPrototypeOf(ResponseHeaders.prototype, Headers.prototype);
