// How is a configuration shown? Line by line, with the places of the lines, and of sections those that have something to show.

import type { ConfigNode } from "../../server/config/mod.ts";
import { escapeHtmlAscii } from "../../server/http/content/mod.ts";

const BLANK = "&nbsp;";

function numbered(line: number | undefined): string {
  const digits = line === undefined ? "" : String(line);
  return BLANK.repeat(Math.max(0, 4 - digits.length)) + digits;
}

/** Lines of HTML; of all directives, or of those whose names (in lower case, sections with `<`) `wanted` has. */
export function configurationHtml(nodes: readonly ConfigNode[], wanted?: ReadonlySet<string>): string {
  let html = "";
  let file: string | undefined;

  /** `text` is HTML. */
  function show(node: ConfigNode, text: string, depth: number, line: number | undefined): string {
    const moved = node.file === file
      ? ""
      : `<dd><tt><strong>In file: ${escapeHtmlAscii(node.file)}</strong></tt></dd>\n`;
    file = node.file;
    return `${moved}<dd><tt>${numbered(line)}:${BLANK}${BLANK.repeat(2 * depth)}${text}</tt></dd>\n`;
  }

  function walk(list: readonly ConfigNode[], depth: number, before: readonly ConfigNode[]): void {
    for (const node of list) {
      const { name, raw, children, line } = node;
      if (children === undefined) {
        if (wanted !== undefined && !wanted.has(name.toLowerCase())) continue;
        open(before);
        const args = raw === "" ? "" : ` <i>${escapeHtmlAscii(raw)}</i>`;
        html += show(node, escapeHtmlAscii(name) + args, depth, line);
        continue;
      }
      walk(children, depth + 1, [...before, node]);
      if (!opened.delete(node)) continue;
      html += show(node, `&lt;/${escapeHtmlAscii(name)}&gt;`, depth, undefined);
    }
  }

  const opened = new Set<ConfigNode>();
  function open(sections: readonly ConfigNode[]): void {
    for (const [depth, node] of sections.entries()) {
      if (opened.has(node)) continue;
      opened.add(node);
      const args = node.raw === "" ? "" : ` ${escapeHtmlAscii(node.raw)}`;
      html += show(node, `&lt;${escapeHtmlAscii(node.name)}${args}&gt;`, depth, node.line);
    }
  }

  walk(nodes, 0, []);
  return html;
}
