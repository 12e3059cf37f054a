// Has somebody mistyped a URL? mod_speling: what is not there leads to what is there under nearly the same name.

import { type Directive, dirKey, flag } from "../../server/config/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";

/** What a place says; one that says anything says everything. */
export interface Spelling {
  used: boolean;
  on: boolean;
  caseOnly: boolean;
  basename: boolean;
}

const spellingDir = dirKey<Spelling>("speling", {
  create: () => ({ used: false, on: false, caseOnly: false, basename: true }),
  merge: (base, over) => over.used ? over : base,
});

function row(name: string, key: "on" | "caseOnly" | "basename", value: string, help: string): Directive {
  return {
    name,
    contexts: ["server config", "virtual host", "directory", ".htaccess"],
    args: 1,
    syntax: `${name} On|Off`,
    help,
    default: value,
    override: "Options",
    apply([word], to) {
      const spelling = to.dir.get(spellingDir);
      spelling.used = true;
      spelling[key] = flag(word);
    },
  };
}

const directives: readonly Directive[] = [
  row("CheckSpelling", "on", "Off", "Looks for names that differ by one letter, or in upper and lower case"),
  row("CheckCaseOnly", "caseOnly", "Off", "Only names that differ in upper and lower case"),
  row("CheckBasenameMatch", "basename", "On", "Also names that are the same up to their first dot"),
];

function isWanted({ method, file, main, filename, path }: Exchange): boolean {
  return (method === "GET" || method === "HEAD") && file === undefined && main === undefined &&
    filename.includes("/") && path !== "/";
}

function hooks(): ModuleHooks {
  let log: ThreadContext["log"];
  let loaded: typeof import("./correction.ts") | undefined;
  return {
    async threadInit(context) {
      const { config } = context;
      log = context.log;
      const used = [config.main, ...config.hosts].some(({ resolver }) => resolver.readsOverrides) ||
        config.allDirStores().some((store) => store.get(spellingDir).on);
      if (used) loaded = await import("./correction.ts");
    },
    fixups(exchange, files): Reply | undefined {
      const spelling = exchange.dir.get(spellingDir);
      if (!files || !spelling.on || !isWanted(exchange)) return undefined;
      return loaded?.corrected(exchange, spelling, (ah, message) => log("info", ah, message, exchange));
    },
  };
}

export const speling: ServerModule = {
  name: "speling_module",
  source: "mod_speling.c",
  directives,
  hooks,
};
