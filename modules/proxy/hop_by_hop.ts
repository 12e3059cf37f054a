// Which fields are about one connection, and never go on to the next?

/** Fields about one connection (RFC 9110 §7.6.1), in lower case. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What names are, whatever their case, by how they were written: most come again and again. Clients choose them, so there is a limit. */
export class NameKinds<K> {
  readonly #known = new Map<string, K>();

  constructor(readonly kindOf: (lower: string) => K) {}

  get(name: string): K {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const kind = this.kindOf(name.toLowerCase());
    if (this.#known.size >= MOST_NAMES) this.#known.clear();
    this.#known.set(name, kind);
    return kind;
  }
}

const MOST_NAMES = 512;
