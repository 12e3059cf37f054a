// How is the text of answers changed on its way? mod_substitute: the filter SUBSTITUTE, line by line.

import { latin1 } from "../../server/http/parser/text.ts";
import { filterBody, FilterType, type OutputFilter, type Pieces } from "../../server/request/filters/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { MAX_LINE_LENGTH, substituteDir, substituteRows, type Substitution } from "./settings.ts";

const LF = 0x0a;

/** A line that is longer than SubstituteMaxLineLength (AH01328). */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

/** `line`, bytes as characters, with everything put in its place. */
function changed(line: string, rules: readonly Substitution[]): string {
  let text = line;
  for (const { pattern, replacement } of rules) {
    text = text.replace(pattern, (...found) => {
      let put = "";
      for (const part of replacement) put += typeof part === "string" ? part : found[part] ?? "";
      return put;
    });
  }
  return text;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** `pieces` with the rules applied to each line, however the lines are spread over pieces. */
export async function* substituted(
  pieces: Pieces,
  rules: readonly Substitution[],
  longest: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let begun = "";
  for await (const piece of pieces) {
    let out = "";
    let start = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
      const line = begun + latin1(piece, start, end + 1);
      if (line.length > longest) throw tooLong(longest);
      begun = "";
      out += changed(line, rules);
      start = end + 1;
    }
    begun += latin1(piece, start, piece.length);
    if (begun.length > longest) throw tooLong(longest);
    if (out !== "") yield bytesOf(out);
  }
  if (begun !== "") yield bytesOf(changed(begun, rules));
}

function tooLong(longest: number): LineTooLong {
  return new LineTooLong(`AH01328: Line too long: SubstituteMaxLineLength is ${longest}`);
}

const substituteFilter: OutputFilter = {
  name: "SUBSTITUTE",
  type: FilterType.Resource,
  keepable: true,
  needsWhole: ({ dir }) => dir.get(substituteDir).rules.length > 0,
  filter({ dir }, reply) {
    const { rules, maxLineLength = MAX_LINE_LENGTH } = dir.get(substituteDir);
    if (rules.length === 0) return reply;
    return filterBody(reply, (pieces) => substituted(pieces, rules, maxLineLength));
  },
};

export const substitute: ServerModule = {
  name: "substitute_module",
  source: "mod_substitute.c",
  directives: substituteRows,
  hooks: () => ({ outputFilters: [substituteFilter] }),
};
