// Which directives are there? docs/configuration.md is made from the tables, and a test compares the two:
// `deno run -A server/directive_reference.ts` writes it anew.

import { fromFileUrl } from "@std/path";
import { allMpms } from "../mpm/mod.ts";
import { sectionRows } from "./config/mod.ts";
import { MODULES } from "./modules.ts";

/** Where the reference is. */
export const REFERENCE: string = fromFileUrl(new URL("../docs/configuration.md", import.meta.url));

const INTRODUCTION = `# Configuration

The language is httpd's: a directive a line, \`#\` comments, \`\\\` at the end of a line continues it, quotes with \`"\` or \`'\`,
sections \`<Name argument> … </Name>\`, \`Include\` and \`IncludeOptional\` with wildcards, \`Define\` and \`\${NAME}\`, \`<IfModule>\`,
\`<IfDefine>\`, \`<IfFile>\`, \`<IfDirective>\`, \`<IfSection>\`, \`<IfVersion>\`, \`<Macro>\` and \`Use\`, \`Error\`. Relative names are below
ServerRoot. Every error names file, line and reason; a misspelled directive is answered with the nearest known name.
[Sections](sections.md) tells which of them hold for a request, and of \`<If>\`, \`.htaccess\` and access control.

This page is made from the server's own tables. "(mpmd only)" marks what httpd does not have; values are httpd's unless
[operations](operations.md#differences-from-httpd) says otherwise.
`;

/** The text of the reference. */
export function directiveReference(): string {
  const parts = [INTRODUCTION];
  const section = (title: string, rows: readonly Row[]) => {
    if (rows.length === 0) return;
    parts.push(`\n## ${title}\n\n| directive | where | default | |\n| --- | --- | --- | --- |`);
    for (const row of [...rows].sort((a, b) => a.name.localeCompare(b.name))) parts.push(line(row));
  };
  section("Sections and names", sectionRows);
  for (const { name, directives } of MODULES) section(name, directives);
  for (const { module, directives } of allMpms()) {
    section(module, directives.map((row) => ({ ...row, contexts: ["server config"] })));
  }
  return parts.join("\n") + "\n";
}

interface Row {
  readonly name: string;
  readonly syntax: string;
  readonly help: string;
  readonly default?: string;
  readonly contexts: readonly string[];
}

function line({ syntax, help, default: value, contexts }: Row): string {
  const cells = [`\`${syntax}\``, contexts.join(", "), value === undefined ? "" : `\`${value}\``, help];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

if (import.meta.main) await Deno.writeTextFile(REFERENCE, directiveReference());
