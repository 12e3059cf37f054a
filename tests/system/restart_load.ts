// What do clients see while a server restarts? Some keep their connection, others make a new one for each request; each answer
// that is missing or wrong is told. For tests and for `deno task bench:restart`.

import { Connection } from "./harness.ts";

/** What a load has come to. */
export interface LoadResult {
  /** Requests that were answered with 200 and a whole body. */
  readonly answered: number;
  /** What went wrong, one text a request. */
  readonly failures: readonly string[];
  /** The longest time that a request took, connection included (ms). */
  readonly slowest: number;
}

/** Clients of one port, from construction until stop(). */
export class RestartLoad {
  readonly #clients: Promise<void>[];
  readonly #failures: string[] = [];
  #answered = 0;
  #slowest = 0;
  #stopping = false;

  /** @param keepAlive clients that keep their connection @param single clients that make one for each request */
  constructor(readonly port: number, keepAlive: number, single: number) {
    const clients = (count: number, close: boolean) =>
      Array.from({ length: count }, () => this.#run(close).catch((error) => this.#fail(close, error)));
    this.#clients = [...clients(keepAlive, false), ...clients(single, true)];
  }

  get answered(): number {
    return this.#answered;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  #fail(close: boolean, error: Error): void {
    const [line] = error.message.split("\n");
    this.#failures.push(`${close ? "one request" : "keep-alive"}: ${error.name}: ${line}`);
  }

  /** One client; after a failure it goes on with a new connection. */
  async #run(close: boolean): Promise<void> {
    let connection: Connection | undefined;
    const field = close ? "Connection: close\r\n" : "";
    while (!this.#stopping) {
      const begun = performance.now();
      try {
        connection ??= await Connection.open(this.port);
        await connection.send(`GET / HTTP/1.1\r\nHost: test.example\r\n${field}\r\n`);
        const { head } = await connection.response();
        if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(head);
        this.#answered++;
        this.#slowest = Math.max(this.#slowest, performance.now() - begun);
        if (!/^connection: close/im.test(head)) continue;
      } catch (error) {
        this.#fail(close, error as Error);
      }
      connection?.close();
      connection = undefined;
    }
    connection?.close();
  }

  /** Lets every client finish what it has begun. */
  async stop(): Promise<LoadResult> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    return { answered: this.#answered, failures: this.#failures, slowest: this.#slowest };
  }
}

/** A configuration for restarts under each MPM: `pool` has room for the connections of two generations. */
export interface RestartModel {
  readonly name: string;
  readonly module: string;
  readonly pool: string;
}

/** `threads`: connections that are served at the same time under the MPMs that give each a thread or a process. */
export function restartModels(threads: number): readonly RestartModel[] {
  const spare = `MinSpareThreads 1\nMaxSpareThreads ${threads}\n`;
  const winnt = { module: "mpm_winnt_module", pool: `ThreadsPerChild ${threads}\n` };
  const netware = {
    module: "mpm_netware_module",
    pool: `StartThreads ${threads}\nMaxThreads ${threads}\n${spare}`,
  };
  const relayed = ({ module, pool }: typeof winnt) => ({ module, pool: `${pool}DescriptorPassing Off\n` });
  return [
    {
      name: "prefork",
      module: "mpm_prefork_module",
      pool:
        `StartServers ${threads}\nMinSpareServers 1\nMaxSpareServers ${threads}\nMaxRequestWorkers ${threads}\n` +
        `ServerLimit ${2 * threads + 2}\n`,
    },
    {
      name: "worker",
      module: "mpm_worker_module",
      pool: `StartServers 1\nThreadsPerChild ${threads}\nMaxRequestWorkers ${threads}\n${spare}`,
    },
    { name: "event", module: "mpm_event_module", pool: "" },
    { name: "mpm_winnt", ...winnt },
    { name: "mpm_winnt, relayed", ...relayed(winnt) },
    { name: "mpm_netware", ...netware },
    { name: "mpm_netware, relayed", ...relayed(netware) },
    {
      name: "mpmt_os2",
      module: "mpm_mpmt_os2_module",
      pool: `StartServers 2\nMinSpareThreads ${Math.ceil(threads / 2)}\nMaxSpareThreads ${threads}\n`,
    },
  ];
}

/** The text of conf/httpd.conf. `more`: further lines. */
export function restartConfig({ module, pool }: RestartModel, more = ""): string {
  return `LoadModule ${module} modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot htdocs
KeepAlive On
MaxKeepAliveRequests 0
LogFormat "%>s %r" short
CustomLog logs/access_log short
${pool}${more}`;
}
