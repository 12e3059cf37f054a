// What are Headers in a server thread? A list, which most handlers only look at or add to: the platform's own sort and join on every look
// (12 us for ten fields). For what only they can say, such as why a name is none, real ones are made, and count from then on.

import { isFieldName, isFieldValue } from "../../server/http/content/mod.ts";

const Native = globalThis.Headers;
type NativeHeaders = InstanceType<typeof Native>;

/** Names are in lower case; values without white space at their ends. */
export type HeaderList = [name: string, value: string][];

/** Around a value (Fetch standard, "normalize a byte sequence"). */
const AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** `value` as it is kept; undefined: not one that is taken without a closer look. */
function normalValue(value: unknown): string | undefined {
  const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
  if (text === undefined) return undefined;
  const bare = text.length > 0 && text.charCodeAt(0) > 0x20 && text.charCodeAt(text.length - 1) > 0x20;
  const trimmed = bare ? text : text.replace(AROUND, "");
  return isFieldValue(trimmed) ? trimmed : undefined;
}

function addPlain(list: HeaderList, name: unknown, value: unknown): boolean {
  if (typeof name !== "string" || !isFieldName(name)) return false;
  const normal = normalValue(value);
  if (normal === undefined) return false;
  list.push([name.toLowerCase(), normal]);
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
  if (init instanceof Native) {
    // As they are looked through; what was joined may have white space at its end.
    for (const [name, value] of init) list.push([name, normalValue(value) ?? value]);
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

/** In the order in which Headers are looked through: by name, values of one name joined, cookies apart. */
function sorted(list: HeaderList): HeaderList {
  const found: HeaderList = [];
  for (const [name, value] of list) {
    let at = found.length;
    while (at > 0 && found[at - 1][0] > name) at--;
    const before = at > 0 ? found[at - 1] : undefined;
    if (before !== undefined && before[0] === name && name !== "set-cookie") before[1] += `, ${value}`;
    else found.splice(at, 0, [name, value]);
  }
  return found;
}

/** Headers over a list. */
export class OwnHeaders {
  #list: HeaderList;
  #real: NativeHeaders | undefined = undefined;

  constructor(init?: HeadersInit) {
    const list = headerListOf(init);
    if (list === undefined) this.#real = new Native(init);
    this.#list = list ?? [];
  }

  /** Over `list`, which is theirs from now on. */
  static over(list: HeaderList): OwnHeaders {
    const made = new OwnHeaders();
    made.#list = list;
    return made;
  }

  /** Names in lower case with their values: as they were set, or sorted and joined once real Headers have been made. */
  static entriesOf(headers: OwnHeaders): Iterable<[string, string]> {
    return headers.#real ?? headers.#list;
  }

  /** From now on `real` counts. */
  static become(headers: OwnHeaders, real: NativeHeaders): void {
    headers.#real = real;
  }

  /** The real Headers; from now on they count. */
  static realOf(headers: OwnHeaders): NativeHeaders {
    return headers.#real ??= new Native(headers.#list);
  }

  /** `headers` is one of these. */
  static is(headers: object): headers is OwnHeaders {
    return #list in headers;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return this === OwnHeaders
      ? value instanceof Native
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  get(name: string): string | null {
    if (this.#real !== undefined || !isFieldName(name)) return OwnHeaders.realOf(this).get(name);
    const lower = name.toLowerCase();
    let found: string | null = null;
    for (const [known, value] of this.#list) {
      if (known === lower) found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  has(name: string): boolean {
    if (this.#real !== undefined || !isFieldName(name)) return OwnHeaders.realOf(this).has(name);
    const lower = name.toLowerCase();
    return this.#list.some(([known]) => known === lower);
  }

  set(name: string, value: string): void {
    const normal = normalValue(value);
    if (this.#real !== undefined || !isFieldName(name) || normal === undefined) {
      return OwnHeaders.realOf(this).set(name, value);
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
    if (this.#real !== undefined || !addPlain(this.#list, name, value)) {
      OwnHeaders.realOf(this).append(name, value);
    }
  }

  delete(name: string): void {
    if (this.#real !== undefined || !isFieldName(name)) return OwnHeaders.realOf(this).delete(name);
    const lower = name.toLowerCase();
    this.#list = this.#list.filter(([known]) => known !== lower);
  }

  getSetCookie(): string[] {
    if (this.#real !== undefined) return this.#real.getSetCookie();
    return this.#list.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  }

  entries(): IterableIterator<[string, string]> {
    return this.#real?.entries() ?? sorted(this.#list)[Symbol.iterator]();
  }

  keys(): IterableIterator<string> {
    return this.#real?.keys() ?? sorted(this.#list).map(([name]) => name)[Symbol.iterator]();
  }

  values(): IterableIterator<string> {
    return this.#real?.values() ?? sorted(this.#list).map(([, value]) => value)[Symbol.iterator]();
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void, thisArg?: unknown): void {
    for (const [name, value] of this.entries()) {
      callback.call(thisArg, value, name, this as unknown as Headers);
    }
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}

// What the platform keeps within Headers, it finds in the real ones.
for (const symbol of Object.getOwnPropertySymbols(new Native())) {
  Object.defineProperty(OwnHeaders.prototype, symbol, {
    get(this: OwnHeaders) {
      return Reflect.get(OwnHeaders.realOf(this), symbol);
    },
  });
}
Object.setPrototypeOf(OwnHeaders.prototype, Native.prototype);
Object.defineProperty(OwnHeaders, "name", { value: "Headers" });

/** From now on `new Headers()` makes ours on this thread. */
export function useOwnHeaders(): void {
  globalThis.Headers = OwnHeaders as unknown as typeof Headers;
  Object.defineProperty(Native.prototype, "constructor", {
    configurable: true,
    writable: true,
    value: OwnHeaders,
  });
}
