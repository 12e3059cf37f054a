// Which backends does this thread know? Those that the configuration names, each with its connections, and those that only a rule or a
// client has named, which keep none.

import type { Outgoing } from "../../mpm/mod.ts";
import type { VirtualServer } from "../../server/config/mod.ts";
import { type BackendUrl, backendUrl, type ProxyHost, proxyHost, type WorkerConfig } from "./config.ts";
import { Worker } from "./worker.ts";

/** Backends that are not named in the configuration; rules make their URLs, so there is a limit. */
const MOST_UNNAMED = 256;

/** What may be asked of a scheme before it is used. */
export interface SchemeFacts {
  /** Connections are kept where nobody says whether (enablereuse, disablereuse). */
  readonly reuses: boolean;
}

/** Where a URL leads. */
export interface Found {
  readonly worker: Worker;
  /** What is asked of it: path, escaped. */
  readonly path: string;
}

/** The backends of one thread. */
export class Workers {
  readonly #made = new Map<WorkerConfig, Worker>();
  readonly #unnamed = new Map<string, Worker>();
  /** Names of workers by host, long ones first. */
  readonly #names = new Map<VirtualServer, readonly (readonly [name: string, config: WorkerConfig])[]>();

  constructor(
    readonly outgoing: () => Outgoing,
    readonly schemes: ReadonlyMap<string, SchemeFacts>,
    /** Threads of a child: a backend's `max` is shared among them. */
    readonly threads: number,
  ) {}

  /** The worker of a backend that the configuration names. */
  of(config: WorkerConfig, { sourceAddress }: ProxyHost): Worker {
    const known = this.#made.get(config);
    if (known !== undefined) return known;
    const { url, values } = config;
    const reuse = values.disableReuse === undefined
      ? this.schemes.get(url.scheme)?.reuses === true
      : !values.disableReuse;
    const most = values.max === undefined ? undefined : Math.max(1, Math.ceil(values.max / this.threads));
    const worker = new Worker({ url, values, most, reuse, sourceAddress, outgoing: this.outgoing });
    this.#made.set(config, worker);
    return worker;
  }

  /** The backend that `url` is of. @throws ArgumentError when it is no URL */
  find(vhost: VirtualServer, url: string): Found {
    const host = vhost.store.get(proxyHost);
    for (const [name, config] of this.#namesOf(vhost, host)) {
      if (!url.startsWith(name)) continue;
      const rest = url.slice(name.length);
      if (rest === "" || rest.startsWith("/")) {
        return { worker: this.of(config, host), path: config.url.path.replace(/\/+$/, "") + rest || "/" };
      }
    }
    const parsed = backendUrl(url);
    return { worker: this.#unnamedOf(parsed, host), path: parsed.path || "/" };
  }

  #namesOf(vhost: VirtualServer, host: ProxyHost) {
    const known = this.#names.get(vhost);
    if (known !== undefined) return known;
    const names = [...host.workers].sort(([a], [b]) => b.length - a.length);
    this.#names.set(vhost, names);
    return names;
  }

  #unnamedOf(url: BackendUrl, { sourceAddress }: ProxyHost): Worker {
    const key = `${url.socket ?? ""}|${url.scheme}://${url.host}:${url.port}`;
    const known = this.#unnamed.get(key);
    if (known !== undefined) return known;
    if (this.#unnamed.size >= MOST_UNNAMED) this.#unnamed.delete(this.#unnamed.keys().next().value!);
    // One that a rule has named is not left alone for a minute: who named it may have been a client.
    const worker = new Worker({
      url,
      values: { retry: 0 },
      most: undefined,
      reuse: false,
      sourceAddress,
      outgoing: this.outgoing,
    });
    this.#unnamed.set(key, worker);
    return worker;
  }

  /** The thread ends. */
  close(): void {
    for (const worker of this.#made.values()) worker.close();
  }
}
