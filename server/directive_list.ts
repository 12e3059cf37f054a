// Which directives are there, and which module has each? One list of all tables, for -L and for docs/directives.md.

import { type Mpm } from "../mpm/mod.ts";
import { type DirectiveFacts, type OverrideClass, readerFacts, sectionRows } from "./config/mod.ts";
import { BUILT_IN_ELSEWHERE, httpdModuleWith } from "./httpd_names.ts";
import { modules } from "./modules.ts";

/** A directive with the source name of its module: "mod_dir.c", "core.c", "event.c". */
export interface ListedDirective extends DirectiveFacts {
  readonly source: string;
}

/** Source names of the modules of httpd's that are here as parts of others. */
const ELSEWHERE: ReadonlySet<string> = new Set(BUILT_IN_ELSEWHERE.values());

/** httpd's module, where it is one that is here under that name; else the core. */
function sourceOf(name: string): string {
  const source = `${httpdModuleWith(name)}.c`;
  return ELSEWHERE.has(source) ? source : "core.c";
}

/** Those that are there while `mpm` is loaded: of the core, of the modules, of the MPM. */
export function listDirectives(mpm: Mpm): ListedDirective[] {
  return [
    ...[...readerFacts, ...sectionRows].map((row) => ({ ...row, source: sourceOf(row.name) })),
    ...modules().flatMap(({ source, directives }) =>
      directives.map((row) => ({ ...row, source: source === "core.c" ? sourceOf(row.name) : source }))
    ),
    ...mpm.directives.map((row) => ({ ...row, contexts: ["server config"] as const, source: mpm.source })),
  ];
}

/** What -L prints of one: where it may stand is said in httpd's words. */
export function directiveText({ name, source, help, contexts, override }: ListedDirective): string {
  const host = contexts.includes("virtual host") || contexts.includes("server config");
  const inner = contexts.includes("directory");
  const sections = "<Directory>, <Files>, <Location>, or <If>";
  const place = host && inner ? "anywhere" : `only ${inner ? "inside" : "outside"} ${sections}`;
  const lines = [`${name.replace(/>$/, "")} (${source})`, `\t${help}`];
  if (!contexts.includes(".htaccess")) return [...lines, `\tAllowed in *.conf ${place}`].join("\n");
  return [...lines, `\tAllowed in *.conf ${place} and in .htaccess`, `\twhen ${allowedBy(override)}`].join(
    "\n",
  );
}

const ORDER: readonly OverrideClass[] = ["AuthConfig", "Limit", "Options", "FileInfo", "Indexes"];

function allowedBy(override: DirectiveFacts["override"]): string {
  if (override === undefined) return "AllowOverrideList names it";
  if (override === "All") return "AllowOverride isn't None";
  const classes: readonly OverrideClass[] = typeof override === "string" ? [override] : override;
  return `AllowOverride includes ${ORDER.filter((each) => classes.includes(each)).join(" or ")}`;
}
