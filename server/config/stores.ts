// Where are the values that directives set? In stores: every module has a key, and under it a value of its own type that
// begins as create() makes it. Stores are merged key by key.

const COUNTER = Symbol.for("mpmd keys of stores");

/** How the values of a key come to be. */
export interface ValueRules<T> {
  /** The value before any directive. */
  create(): T;
  /** The value where `over` applies within `base`; changes neither. `merge(base, create())` means the same as `base`. */
  merge(base: T, over: T): T;
}

/** What a store is for: a virtual host, or a place below one. */
export type Scope = "server" | "dir";

/** Names one module's values in stores of one scope. */
export interface Key<T, S extends Scope> extends ValueRules<T> {
  readonly name: string;
  readonly scope: S;
  /** Its position in every store. */
  readonly index: number;
}

export type ServerKey<T> = Key<T, "server">;
export type DirKey<T> = Key<T, "dir">;

/**
 * How many keys there are in this thread. Modules of third parties may have been written against another copy of this file: all copies
 * count together.
 */
const counter: { keys: number } = (globalThis as { [COUNTER]?: { keys: number } })[COUNTER] ??= { keys: 0 };

/** A key for values per virtual host. */
export function serverKey<T extends object>(name: string, rules: ValueRules<T>): ServerKey<T> {
  return makeKey(name, "server", rules);
}

/** A key for values per directory, file or location. */
export function dirKey<T extends object>(name: string, rules: ValueRules<T>): DirKey<T> {
  return makeKey(name, "dir", rules);
}

function makeKey<T, S extends Scope>(name: string, scope: S, { create, merge }: ValueRules<T>): Key<T, S> {
  return { name, scope, index: counter.keys++, create, merge };
}

/** Values by key. */
export class Store<S extends Scope> {
  readonly #values: unknown[] = [];
  readonly #keys: (Key<unknown, S> | undefined)[] = [];

  /** The value of `key`, made now if there is none. */
  get<T>(key: Key<T, S>): T {
    const value = this.#values[key.index];
    // What lies at a key's index was put there for that key.
    if (value !== undefined) return value as T;
    const created = key.create();
    this.#put(key, created);
    return created;
  }

  #put<T>(key: Key<T, S>, value: T): void {
    this.#values[key.index] = value;
    this.#keys[key.index] = key;
  }

  /** A store with what `over` says within `base`. Values of only one of them are shared, not copied. */
  static merge<S extends Scope>(base: Store<S>, over: Store<S>): Store<S> {
    const merged = new Store<S>();
    for (const key of base.#keys) if (key !== undefined) merged.#put(key, base.#values[key.index]);
    for (const key of over.#keys) {
      if (key === undefined) continue;
      const above = over.#values[key.index];
      const below = merged.#values[key.index];
      merged.#put(key, below === undefined ? above : key.merge(below, above));
    }
    return merged;
  }
}

export type ServerStore = Store<"server">;
export type DirStore = Store<"dir">;

/** A store with what `over` says within `base`; neither may be written to any more, for they share values. */
export function mergeStores<S extends Scope>(base: Store<S>, over: Store<S>): Store<S> {
  return Store.merge(base, over);
}
