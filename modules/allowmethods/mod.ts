// Which methods are allowed at a place? mod_allowmethods.

import { ArgumentError, type Directive, dirKey } from "../../server/config/mod.ts";
import { coreServer } from "../../server/core/config.ts";
import { KNOWN_METHODS } from "../../server/http/parser/mod.ts";
import type { Access } from "../../server/request/access.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";

const allowDir = dirKey<{ methods: readonly string[] | undefined }>("allowmethods", {
  create: () => ({ methods: undefined }),
  merge: (base, over) => ({ methods: over.methods ?? base.methods }),
});

const directives: readonly Directive[] = [{
  name: "AllowMethods",
  contexts: ["directory"],
  args: [1, Infinity],
  syntax: "AllowMethods reset|method [method] ...",
  help: "The methods that are allowed here; reset: all",
  default: "reset",
  differs: "The field `Allow` of a 405 lists the methods; httpd's says `TRACE`, or nothing.",
  apply(words, to) {
    const place = to.dir.get(allowDir);
    if (words.length === 1 && words[0].toLowerCase() === "reset") {
      place.methods = [];
      return;
    }
    const registered = to.server.get(coreServer).registeredMethods;
    const invalid = words.find((word) => !KNOWN_METHODS.has(word) && registered?.has(word) !== true);
    if (invalid !== undefined) throw new ArgumentError(`AllowMethods: Invalid Method '${invalid}'`);
    place.methods = [...place.methods ?? [], ...words.map(methodOf)];
  },
}];

/** HEAD goes with GET. */
function methodOf(word: string): string {
  return word === "HEAD" ? "GET" : word;
}

/** Of the field Allow: what RFC 9110 §10.2.1 wants in it. */
function allowOf(methods: readonly string[]): string {
  return [...new Set(methods.flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]))].join(",");
}

function accessChecker(exchange: Exchange): Access {
  const { methods } = exchange.dir.get(allowDir);
  if (methods === undefined || methods.length === 0) return undefined;
  const { method, filename, path } = exchange;
  if (methods.includes(methodOf(method))) return undefined;
  return {
    status: 405,
    module: "allowmethods",
    ah: "AH01623",
    fields: [["Allow", allowOf(methods)]],
    message: `client method denied by server configuration: '${method}' to ${filename || `uri ${path}`}`,
  };
}

export const allowMethods: ServerModule = {
  name: "allowmethods_module",
  source: "mod_allowmethods.c",
  directives,
  hooks: (config) =>
    config.allDirStores().some((store) => store.get(allowDir).methods !== undefined) ? { accessChecker } : {},
};
