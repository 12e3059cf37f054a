// Which name was meant? Those of the directory are compared with the one that is not there.

import { escapeHtml } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { ownUrl } from "../../server/request/self_name.ts";
import { escapedPath } from "../alias/rules.ts";
import type { Spelling } from "./mod.ts";

/** How names differ, the likeliest first; told to the client where there are several. */
const REASONS = [
  "identical",
  "miscapitalized",
  "transposed characters",
  "character missing",
  "extra character",
  "mistyped character",
  "common basename",
] as const;
export type Reason = typeof REASONS[number];

interface Candidate {
  readonly name: string;
  readonly reason: Reason;
}

/** How `bad` differs from `good`; undefined: by more than one letter. Upper and lower case are the same. */
export function difference(bad: string, good: string): Reason | undefined {
  const [s, t] = [bad.toLowerCase(), good.toLowerCase()];
  if (s === t) return "miscapitalized";
  let at = 0;
  while (at < s.length && s[at] === t[at]) at++;
  const [left, right] = [s.slice(at), t.slice(at)];
  if (left.length > 0 && right.length > 0) {
    const swapped = left.length > 1 && left[0] === right[1] && left[1] === right[0];
    if (swapped && left.slice(2) === right.slice(2)) return "transposed characters";
    if (left.slice(1) === right.slice(1)) return "mistyped character";
  }
  if (left.length > 0 && left.slice(1) === right) return "extra character";
  if (right.length > 0 && left === right.slice(1)) return "character missing";
  return undefined;
}

const basename = (name: string): string => name.split(".", 1)[0].toLowerCase();

/** Those of `directory` that may be meant by `bad`; undefined: nothing can be said. */
function candidatesFor(bad: string, directory: string, { caseOnly, basename: byBase }: Spelling) {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch (error) {
    // Not a directory, or not for us.
    if (error instanceof Error) return undefined;
    throw error;
  }
  // There, and yet not found (a link to nowhere): a redirect would lead here again.
  if (names.includes(bad)) return undefined;
  const found = names.flatMap((name): Candidate[] => {
    const reason = difference(bad, name);
    if (reason === "miscapitalized" || (reason !== undefined && !caseOnly)) return [{ name, reason }];
    return byBase && basename(name) === basename(bad) ? [{ name, reason: "common basename" }] : [];
  });
  return found.sort((a, b) => REASONS.indexOf(a.reason) - REASONS.indexOf(b.reason));
}

/** Where else to look instead of the file that `exchange` asks for; undefined: nowhere. */
export function corrected(
  exchange: Exchange,
  spelling: Spelling,
  log: (ah: string, message: string) => void,
): Reply | undefined {
  const { filename, path, pathInfo, head } = exchange;
  const slash = filename.lastIndexOf("/");
  const bad = filename.slice(slash + 1);
  const end = bad + pathInfo;
  // What the URL calls it has to be what it is called.
  if (!path.endsWith(end)) return undefined;
  const candidates = candidatesFor(bad, filename.slice(0, slash) || "/", spelling);
  if (candidates === undefined || candidates.length === 0) return undefined;
  const [first, second] = candidates;
  const before = path.slice(0, path.length - end.length);
  const query = exchange.query === "" ? "" : `?${exchange.query}`;
  const referer = head.field(Field.Referer);
  if (first.reason !== "common basename" && first.reason !== second?.reason) {
    const place = escapedPath(before + first.name + pathInfo) + query;
    const fixed = `Fixed spelling: ${path} to ${place}`;
    if (referer === undefined) log("AH03225", fixed);
    else log("AH03224", `${fixed} from ${referer}`);
    return errorReply(301, { location: ownUrl(exchange) + place });
  }
  const choices = candidates.map(({ name, reason }) => ({ url: before + name + pathInfo + query, reason }));
  const variants = choices.map(({ url, reason }) => `"${escapedPath(url)}";"${reason}"`).join(",");
  (exchange.environment ??= new Map()).set("VARIANTS", variants);
  const fix = `Spelling fix: ${path}: ${choices.length} candidates`;
  if (referer === undefined) log("AH03227", fix);
  else log("AH03226", `${fix} from ${referer}`);
  return errorReply(300, { html: listOf(path, choices, referer) });
}

function listOf(
  path: string,
  choices: readonly { readonly url: string; readonly reason: Reason }[],
  referer: string | undefined,
): string {
  let html =
    `The document name you requested (<code>${
      escapeHtml(path)
    }</code>) could not be found on this server.\n` +
    "However, we found documents with names similar to the one you requested.<p>Available documents:\n<ul>\n";
  for (const [at, { url, reason }] of choices.entries()) {
    html += `<li><a href="${escapeHtml(escapedPath(url))}">${escapeHtml(url)}</a> (${reason})\n`;
    const isLastClose = reason !== "common basename" && choices[at + 1]?.reason === "common basename";
    if (at > 0 && isLastClose) {
      html += "</ul>\nFurthermore, the following related documents were found:\n<ul>\n";
    }
  }
  html += "</ul>\n";
  return referer === undefined
    ? html
    : `${html}Please consider informing the owner of the referring page <tt>${
      escapeHtml(referer)
    }</tt> about the broken link.\n`;
}
