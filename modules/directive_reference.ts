// Which directives are there, and what is not as in httpd? docs/directives.md is made from the tables, and a test compares the two:
// `deno run -A modules/directive_reference.ts` writes it anew.

import { fromFileUrl } from "@std/path";
import { allMpms } from "../mpm/mod.ts";
import { listDirectives, type ListedDirective } from "../server/directive_list.ts";
import { setModules } from "../server/modules.ts";
import { MODULES } from "./mod.ts";
import { HTTPD_DIRECTIVES, httpdModuleWith } from "../server/httpd_names.ts";

/** Where the reference is. */
export const REFERENCE: string = fromFileUrl(new URL("../docs/directives.md", import.meta.url));

/** A directive with the modules that have it. */
interface Entry {
  readonly directive: ListedDirective;
  /** "mod_dir", "core", "event". */
  readonly sources: string[];
}

/** The text of the reference. */
export function directiveReference(): string {
  setModules(MODULES);
  const entries = collect();
  const ofHttpd = entries.filter(({ directive }) => httpdModuleWith(directive.name) !== undefined);
  const differing = ofHttpd.filter(({ directive }) => directive.differs !== undefined);
  const known = new Set(ofHttpd.map(({ directive }) => directive.name.toLowerCase()));
  const missing = HTTPD_DIRECTIVES.filter(({ name }) => !known.has(name.toLowerCase()));
  const counts = [
    ["supported as in httpd", ofHttpd.length - differing.length],
    ["supported, with differences", differing.length],
    ["not supported", missing.length],
    ["mpmd only", entries.length - ofHttpd.length],
  ];
  return `# Directives

Every directive, made from the server's own tables (\`deno run -A modules/directive_reference.ts\`); \`mpmd -L\` lists those of a configuration. Of the
${HTTPD_DIRECTIVES.length} directives of httpd that are looked at here:

| | |
| --- | --- |
${counts.map(([what, count]) => `| ${what} | ${count} |`).join("\n")}

- A directive stands in *server config* (outside of sections), *virtual host*, *directory* (\`<Directory>\`, \`<Files>\`, \`<Location>\`, \`<If>\`), or *.htaccess*:
  in such a file, if \`AllowOverride\` lets it, or \`AllowOverrideList\` names it.
- Times are seconds unless \`ms\`, \`s\`, \`min\` or \`h\` follows; those of MPM directives and RequestReadTimeout are plain numbers of seconds.
- Which sections hold for a request: [sections](sections.md). The language: [configuration](configuration.md). Sizes for each MPM: [MPMs](mpm.md).

${entries.map(section).join("\n\n")}

## Not supported

A configuration that has one of these does not start; \`<IfModule>\` and \`<IfDirective>\` help to keep one file for both servers.

| module of httpd | directives |
| --- | --- |
${table(missing)}
`;
}

/** All directives under all MPMs, each once, in the order of their names. */
function collect(): Entry[] {
  const entries = new Map<string, Entry>();
  for (const directive of allMpms().flatMap(listDirectives)) {
    const source = directive.source.replace(/\.c$/, "");
    const entry = entries.get(directive.name) ?? { directive, sources: [] };
    entries.set(directive.name, entry);
    if (!entry.sources.includes(source)) entry.sources.push(source);
  }
  const key = ({ directive }: Entry) => directive.name.replace(/[<>]/g, "").toLowerCase();
  return [...entries.values()].sort((a, b) => key(a) < key(b) ? -1 : 1);
}

function section({ directive, sources }: Entry): string {
  const { name, syntax, contexts, default: value, help, differs, override } = directive;
  const facts = [
    `Context: ${contexts.join(", ")}`,
    ...override === undefined ? [] : [`Override: ${[override].flat().join(", ")}`],
    ...value === undefined ? [] : [`Default: \`${value}\``],
    `Module: ${sources.length === allMpms().length ? "every MPM" : sources.join(", ")}`,
    ...httpdModuleWith(name) === undefined ? ["mpmd only"] : [],
  ];
  const heading = name.startsWith("<") ? `\`${name}\`` : name;
  const parts = [`### ${heading}`, `\`${syntax}\`\\\n${facts.join(". ")}.`, `${prose(help)}.`];
  if (differs !== undefined) parts.push(`Differs: ${prose(differs)}`);
  return parts.join("\n\n");
}

/** Names of sections are not tags of HTML. */
function prose(text: string): string {
  return text.replace(/<\w+>/g, "`$&`");
}

function table(directives: typeof HTTPD_DIRECTIVES): string {
  const byModule = Map.groupBy(directives, ({ module }) => module);
  return [...byModule].map(([module, rows]) =>
    `| ${module} | ${rows.map(({ name }) => name.startsWith("<") ? `\`${name}\`` : name).join(" ")} |`
  ).join("\n");
}

if (import.meta.main) await Deno.writeTextFile(REFERENCE, directiveReference());
