// Where do the servers go that a program starts itself? Nowhere: the MPM listens. What the program names is noted, and each of its
// servers stands for one of the addresses that the MPM has.

import type { ListenAddress } from "../../../mpm/mod.ts";
import type { Reply } from "../../../server/http/engine/reply.ts";
import type { NamedAddress } from "../../../server/program_probe.ts";
import type { Exchange } from "../../../server/request/exchange.ts";

/** Answers a request. */
export type Answer = (exchange: Exchange) => Reply | Promise<Reply>;

/** A server that a program has started, as it thinks. */
export interface CapturedServer {
  /** What started it: "Deno.serve", "node:http". */
  readonly by: string;
  readonly named: NamedAddress;
  /** The address that it stands for. */
  readonly at: NamedAddress;
  readonly answer: Answer;
  /** Ends with the thread. */
  readonly end: () => void;
}

/** The address of a Listen line as a program names one. */
function nameOf(address: ListenAddress): NamedAddress {
  return "path" in address ? { path: address.path } : { hostname: address.host, port: address.port };
}

function isSame(a: NamedAddress, b: NamedAddress): boolean {
  return "path" in a ? "path" in b && a.path === b.path : !("path" in b) && a.port === b.port;
}

/** What the programs of one thread start. */
export class Capture {
  readonly #listen: readonly NamedAddress[] | undefined;
  #servers: CapturedServer[] = [];
  #onServer: () => void = () => {};
  #onWait: () => void = () => {};

  /** `listen`: where the MPM listens; undefined: nowhere yet, each server stands for what it names. */
  constructor(listen: readonly ListenAddress[] | undefined) {
    this.#listen = listen?.map(nameOf);
  }

  /** From now on servers are those of another program. Returns what will be there of them, in the order in which they start. */
  begin(onServer: () => void, onWait: () => void): readonly CapturedServer[] {
    this.#servers = [];
    this.#onServer = onServer;
    this.#onWait = onWait;
    return this.#servers;
  }

  /** A program starts a server. */
  add(by: string, named: NamedAddress, answer: Answer, end: () => void): CapturedServer {
    const server = { by, named, at: this.#placeOf(named), answer, end };
    this.#servers.push(server);
    this.#onServer();
    return server;
  }

  /** A program waits for the end of a server: it will not be loaded to its end before. */
  waits(): void {
    this.#onWait();
  }

  /** The address with that port or path; or the first that no server stands for; or the first. */
  #placeOf(named: NamedAddress): NamedAddress {
    const listen = this.#listen;
    if (listen === undefined || listen.length === 0) return named;
    const taken = this.#servers.map(({ at }) => at);
    return listen.find((address) => isSame(address, named)) ??
      listen.find((address) => !taken.some((at) => isSame(at, address))) ?? listen[0];
  }
}

/** Which of a program's servers a connection to `local` means: that of its port, or else the first. */
export function serverFor(
  servers: readonly CapturedServer[],
  local: { readonly address: string; readonly port: number },
): CapturedServer {
  const unix = local.address === "unix";
  return servers.find(({ at }) => "path" in at ? unix : !unix && at.port === local.port) ?? servers[0];
}
