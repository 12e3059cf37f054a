// What is a client called, and which addresses has a name? Names are believed only if they lead back to the address; what was
// found out is kept for a while, for a request is asked again once its answer is there.

/** Loaded when it is used: it costs every thread some milliseconds. */
const resolver = () => import("node:dns/promises");

/** Answers that are kept, and for how long (ms). */
const KEPT = 1000;
const VALID = 60_000;

interface Answer<T> {
  readonly value: T;
  readonly until: number;
}

/** Keeps the answers to questions that take time. */
class Lookups<T> {
  readonly #answers = new Map<string, Answer<T>>();
  readonly #pending = new Map<string, Promise<void>>();
  readonly #ask: (question: string) => Promise<T>;

  constructor(ask: (question: string) => Promise<T>) {
    this.#ask = ask;
  }

  /** The answer, or a promise that settles when it is known. */
  get(question: string): T | Promise<void> {
    const known = this.#answers.get(question);
    if (known !== undefined && performance.now() < known.until) return known.value;
    let pending = this.#pending.get(question);
    if (pending === undefined) {
      pending = this.#find(question);
      this.#pending.set(question, pending);
    }
    return pending;
  }

  async #find(question: string): Promise<void> {
    try {
      const value = await this.#ask(question);
      if (this.#answers.size >= KEPT) this.#answers.clear();
      this.#answers.set(question, { value, until: performance.now() + VALID });
    } finally {
      this.#pending.delete(question);
    }
  }
}

/** No such name or address, or nobody to ask: there is no answer then. */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    const { lookup } = await resolver();
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (isUnknown(error)) return [];
    throw error;
  }
}

async function nameOf(address: string): Promise<string | null> {
  try {
    const { lookupService } = await resolver();
    const { hostname } = await lookupService(address, 0);
    return hostname !== address && (await addressesOf(hostname)).includes(address) ? hostname : null;
  } catch (error) {
    if (isUnknown(error)) return null;
    throw error;
  }
}

const names = new Lookups(nameOf);
const addresses = new Lookups(addressesOf);

/** The name of an address that leads back to it, null if it has none; or a promise that settles when that is known. */
export function hostName(address: string): string | null | Promise<void> {
  return names.get(address);
}

/** The addresses of a name; or a promise that settles when they are known. */
export function hostAddresses(name: string): readonly string[] | Promise<void> {
  return addresses.get(name);
}

/** True when `name` is `domain` or below it. A domain that begins with a dot has only names below it. */
export function isInDomain(name: string, domain: string): boolean {
  const [whole, end] = [name.toLowerCase(), domain.toLowerCase()];
  if (!whole.endsWith(end)) return false;
  return whole.length === end.length || end.startsWith(".") || whole[whole.length - end.length - 1] === ".";
}
