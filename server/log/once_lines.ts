// What precedes the first line about a connection or a request? The lines of `ErrorLogFormat connection` and `request`.

import { compileErrorFormat, type ErrorEntry, type ErrorFormat } from "./error_format.ts";

/** So many connections and requests are remembered; about one that has been forgotten is told again. */
const REMEMBERED = 1000;

/** Remembers which connections and requests have been told of. */
export class OnceLines {
  readonly #connection: readonly ErrorFormat[];
  readonly #request: readonly ErrorFormat[];
  readonly #known = new Set<string>();

  /** @throws ArgumentError for a format that cannot be used */
  constructor(connection: readonly string[], request: readonly string[]) {
    this.#connection = connection.map(compileErrorFormat);
    this.#request = request.map(compileErrorFormat);
  }

  /** The lines to write before that of `entry`; undefined ones are left out. */
  before(entry: ErrorEntry): (string | undefined)[] {
    const { about } = entry;
    if (about === undefined || this.#connection.length + this.#request.length === 0) return [];
    const lines: (string | undefined)[] = [];
    if (this.#isNew(about.connectionId)) lines.push(...this.#connection.map((format) => format(entry)));
    if (this.#isNew(about.requestId)) lines.push(...this.#request.map((format) => format(entry)));
    return lines;
  }

  #isNew(id: string): boolean {
    if (this.#known.has(id)) return false;
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    this.#known.add(id);
    return true;
  }
}
