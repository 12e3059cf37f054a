// Would another request by the same client be let pass? What -U and -F in expressions ask: the phases up to the access checks, for
// a request that nobody sends.

import { isAbsolute } from "@std/path";
import { system } from "../../platform/detect.ts";
import { OverrideError, type VirtualServer } from "../config/mod.ts";
import { normalisePath, splitTarget } from "../http/content/mod.ts";
import type { PathOptions } from "../http/content/mod.ts";
import type { AccessControl } from "./access.ts";
import { Exchange } from "./exchange.ts";
import type { ModuleHooks } from "./module.ts";

/** Requests looked ahead at, one within the other (httpd's LimitInternalRecursion). */
const DEEPEST = 10;

/** The phases. */
export interface LookAheadParts {
  readonly pathOptions: (host: VirtualServer) => Omit<PathOptions, "windows">;
  readonly translators: readonly NonNullable<ModuleHooks["translateName"]>[];
  readonly storageMappers: readonly NonNullable<ModuleHooks["mapToStorage"]>[];
  /** Makes the request one that expressions and .htaccess files may be asked about. */
  readonly subjectOf: (exchange: Exchange) => unknown;
  /** Finds the values of the place. @throws OverrideError */
  readonly place: (exchange: Exchange) => void;
  readonly access: AccessControl;
}

/** Looks at requests that nobody sends. */
export class LookAhead {
  readonly #parts: LookAheadParts;
  #depth = 0;

  constructor(parts: LookAheadParts) {
    this.#parts = parts;
  }

  /** `target` is a path of URLs, or the name of a file, which has to be there. What takes time to find out counts as no. */
  isReachable(from: Exchange, kind: "url" | "file", target: string): boolean {
    if (this.#depth >= DEEPEST || !(kind === "url" ? target.startsWith("/") : isAbsolute(target))) {
      return false;
    }
    const { head, transport, startTime, startClock, keepAlives } = from;
    const exchange = new Exchange(head, transport, startTime, startClock, keepAlives);
    exchange.vhost = from.vhost;
    exchange.forwardedFor = from.forwardedFor;
    // What modules set for it is not the request's.
    exchange.environment = from.environment === undefined ? undefined : new Map(from.environment);
    this.#depth++;
    try {
      const { translators, storageMappers, subjectOf, place, access } = this.#parts;
      subjectOf(exchange);
      if (kind === "file") {
        exchange.path = siblingPath(from, target);
        exchange.filename = target;
      } else {
        const path = this.#normalised(from.vhost, target);
        if (path === undefined) return false;
        exchange.path = path;
        exchange.dir = from.vhost.dirDefaults;
        for (const translate of translators) {
          const translated = translate(exchange);
          if (translated === true) break;
          if (translated !== false) return false;
        }
      }
      if (storageMappers.some((map) => map(exchange) !== undefined)) return false;
      if (kind === "file" && (exchange.file === undefined || exchange.pathInfo !== "")) return false;
      place(exchange);
      return access.check(exchange) === undefined;
    } catch (error) {
      if (error instanceof OverrideError) return false;
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** Where `path` leads in the file system, as far as its name tells: what is there is not looked at. Undefined: to no file. */
  fileNameOf(from: Exchange, path: string): string | undefined {
    if (this.#depth >= DEEPEST) return undefined;
    const { head, transport, startTime, startClock, keepAlives, vhost } = from;
    const exchange = new Exchange(head, transport, startTime, startClock, keepAlives);
    exchange.vhost = vhost;
    exchange.dir = vhost.dirDefaults;
    exchange.path = path;
    this.#depth++;
    try {
      this.#parts.subjectOf(exchange);
      for (const translate of this.#parts.translators) {
        const translated = translate(exchange);
        if (translated === true) return exchange.filename;
        if (translated !== false) return undefined;
      }
      return undefined;
    } finally {
      this.#depth--;
    }
  }

  #normalised(host: VirtualServer, target: string): string | undefined {
    const options = { ...this.#parts.pathOptions(host), windows: system === "windows" };
    return normalisePath(splitTarget(target, 0).path, options).path;
  }
}

/** The path of a file in the same directory as the request's own; of another file none is known. */
function siblingPath({ path, filename }: Exchange, file: string): string {
  const directory = filename.slice(0, filename.lastIndexOf("/") + 1);
  const name = file.slice(directory.length);
  if (!file.startsWith(directory) || name.includes("/")) return "";
  return path.slice(0, path.lastIndexOf("/") + 1) + name;
}
