// Where do requests lead that a handler answers anew each time? For an application most of the way there is the same for every
// request with that method and path: it is remembered, and the next one goes to the handler at once.

import type { VirtualServer } from "../config/mod.ts";
import type { Exchange } from "./exchange.ts";
import type { ModuleHooks } from "./module.ts";

/** Paths per virtual host and method; clients choose them, so there is a limit. */
const LIMIT = 1000;
/** After so many paths that were asked for once, none are remembered any more: every request has a path of its own. */
const MOST_VAIN = 8 * LIMIT;

/** What the phases have found, and whose handler answers. */
interface Placement extends Readonly<Pick<Exchange, "path" | "pathInfo" | "filename" | "handler" | "dir">> {
  readonly answerer: ModuleHooks;
}

/** Paths of one virtual host as they are asked for over TLS, or in plain text, by method. */
interface HostPlacements {
  readonly byMethod: ReadonlyMap<string, Map<string, Placement>>;
  /** Remembered paths that nobody has asked for again. */
  vain: number;
}

/** The placements of one thread. */
export class Placements {
  readonly #hosts = new Map<VirtualServer, HostPlacements>();
  /** Access may depend on the connection's being secure. */
  readonly #secureHosts = new Map<VirtualServer, HostPlacements>();

  /** The handler that answers `exchange`, whose place is known then; undefined: the phases have to find out. */
  find(exchange: Exchange): ModuleHooks | undefined {
    const host = this.#placesOf(exchange).get(exchange.vhost);
    if (host === undefined || exchange.head.form !== "origin") return undefined;
    const known = host.byMethod.get(exchange.head.method);
    if (known === undefined || known.size === 0) return undefined;
    const { target } = exchange.head;
    const end = target.indexOf("?");
    const placement = known.get(end < 0 ? target : target.slice(0, end));
    if (placement === undefined) return undefined;
    host.vain = 0;
    exchange.path = placement.path;
    exchange.query = end < 0 ? "" : target.slice(end + 1);
    exchange.pathInfo = placement.pathInfo;
    exchange.filename = placement.filename;
    exchange.handler = placement.handler;
    exchange.dir = placement.dir;
    return placement.answerer;
  }

  /** `answerer` has answered, and nothing but method and path has led there: the next request goes there at once. */
  keep(exchange: Exchange, answerer: ModuleHooks): void {
    const { method, target } = exchange.head;
    const host = this.#hostOf(exchange);
    const known = host.byMethod.get(method);
    if (known === undefined || host.vain > MOST_VAIN) return;
    host.vain++;
    if (known.size >= LIMIT) known.delete(known.keys().next().value!);
    const { path, pathInfo, filename, handler, dir } = exchange;
    known.set(target.split("?", 1)[0], { path, pathInfo, filename, handler, dir, answerer });
  }

  #placesOf({ transport }: Exchange): Map<VirtualServer, HostPlacements> {
    return transport.security === undefined ? this.#hosts : this.#secureHosts;
  }

  #hostOf(exchange: Exchange): HostPlacements {
    const places = this.#placesOf(exchange);
    const known = places.get(exchange.vhost);
    if (known !== undefined) return known;
    const made = { byMethod: new Map(["GET", "POST"].map((method) => [method, new Map()])), vain: 0 };
    places.set(exchange.vhost, made);
    return made;
  }
}

/** Nothing that modules have looked at, or done to the request before its handler, is about this one alone. */
export function isGeneral(exchange: Exchange): boolean {
  return exchange.dependsOn === "file" && !exchange.queryRead && exchange.head.form === "origin" &&
    exchange.redirected === undefined && exchange.environment === undefined && exchange.notes === undefined &&
    exchange.varyOn === undefined && exchange.conditions === undefined && exchange.contentType === undefined;
}
