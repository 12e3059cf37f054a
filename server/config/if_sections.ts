// Which directives hold for some requests only? The rows of <If>, <ElseIf> and <Else>.

import type { Context, SectionDirective, Target } from "./directives.ts";
import { ArgumentError } from "./errors.ts";
import { type Condition, explained, parseCondition } from "./expression/mod.ts";
import type { Section } from "./matching.ts";
import { Store } from "./stores.ts";

const ANYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** Where an <If> stands in its chain. */
export interface Branch {
  readonly kind: "if" | "elseif" | "else";
  /** "true" for <Else>. */
  readonly condition: Condition;
}

const ALWAYS: Condition = { kind: "constant", value: true };

function branchRow(name: string, kind: Branch["kind"]): SectionDirective {
  return {
    name: `<${name}>`,
    contexts: ANYWHERE,
    args: kind === "else" ? 0 : 1,
    syntax: kind === "else" ? "<Else>" : `<${name} "expression">`,
    help: kind === "if"
      ? "Directives for requests of which an expression is true"
      : `Directives for requests that no condition before it in its chain${
        kind === "else" ? "" : ", but this one,"
      } is true of`,
    override: "All",
    open([text], to, where) {
      const list = to.opened.ifs;
      if (list === undefined) {
        throw new ArgumentError(`<${name}> cannot occur within <${to.section}> section`);
      }
      const before = list.at(-1)?.branch?.kind;
      if (kind !== "if" && before !== "if" && before !== "elseif") {
        throw new ArgumentError(
          "<Else> or <ElseIf> section without previous <If> or <ElseIf> section in same scope",
        );
      }
      const condition = kind === "else"
        ? ALWAYS
        : explained("Cannot parse condition clause", () => parseCondition(text));
      const section = ifSection({ kind, condition }, text ?? "", where);
      list.push(section);
      return innerTarget(to, section, name);
    },
  };
}

function ifSection(branch: Branch, pattern: string, where: Section["where"]): Section {
  return { pattern, where, dir: new Store(), depth: 0, matches: () => true, files: [], ifs: [], branch };
}

function innerTarget(to: Target, section: Section, name: string): Target {
  return {
    ...to,
    context: to.context === ".htaccess" ? ".htaccess" : "directory",
    section: name,
    dir: section.dir,
    opened: { files: section.files, ifs: section.ifs },
  };
}

/** The three rows. */
export const ifRows: readonly SectionDirective[] = [
  branchRow("If", "if"),
  branchRow("ElseIf", "elseif"),
  branchRow("Else", "else"),
];
