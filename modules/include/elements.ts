// Where in a text are the elements of server-side includes, and what do they say? Text and elements in turn, however they are spread over
// pieces; nothing is kept but what an element has begun with.

import { latin1 } from "../../server/http/parser/text.ts";
import type { Pieces } from "../../server/request/filters/mod.ts";

/** An element as it stands there: its name in lower case, its attributes in order. Undefined: it is none. */
export interface Element {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

/** A stretch of text (bytes as characters), an element, or what was meant to be one. */
export type Item =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "element"; readonly element: Element }
  | { readonly kind: "broken" }
  /** Nothing more is ready. */
  | { readonly kind: "pause" };

/** An element that is longer (bytes) is none. */
const LONGEST = 65_536;

/** The items of `pieces`. */
export async function* itemsOf(pieces: Pieces, start: string, end: string): AsyncGenerator<Item> {
  let rest = "";
  for await (const piece of pieces) {
    if (piece.length === 0) yield { kind: "pause" };
    rest += latin1(piece, 0, piece.length);
    for (;;) {
      const at = rest.indexOf(start);
      if (at < 0) {
        const kept = begunLength(rest, start);
        if (rest.length > kept) yield { kind: "text", text: rest.slice(0, rest.length - kept) };
        rest = rest.slice(rest.length - kept);
        break;
      }
      if (at > 0) yield { kind: "text", text: rest.slice(0, at) };
      rest = rest.slice(at);
      const close = endOf(rest, start.length, end);
      if (close < 0 && rest.length < LONGEST) break;
      if (close < 0) {
        yield { kind: "broken" };
        rest = "";
        break;
      }
      const element = parseElement(rest.slice(start.length, close));
      yield element === undefined ? { kind: "broken" } : { kind: "element", element };
      rest = rest.slice(close + end.length);
    }
  }
  if (rest === "") return;
  yield rest.startsWith(start) ? { kind: "broken" } : { kind: "text", text: rest };
}

/** How many characters at the end of `text` may be the beginning of `tag`. */
function begunLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

/** Where the tag that ends an element begins, outside of quotes; -1: not yet. */
function endOf(text: string, from: number, end: string): number {
  let quote = "";
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if (text.startsWith(end, at)) return at;
    else if (/["'`]/.test(char) && /=\s*$/.test(text.slice(from, at))) quote = char;
  }
  return -1;
}

const NAME = /^([^\s=]+)\s*/;
const ATTRIBUTE =
  /^([^\s=]+)\s*(?:=\s*(?:"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|`((?:[^`\\]|\\[^])*)`|([^\s"'`]\S*)))?\s*/;

/** What stands between the tags; undefined: it has no name, or an attribute is not right. */
function parseElement(text: string): Element | undefined {
  const named = NAME.exec(text);
  if (named === null) return undefined;
  const attributes: [string, string][] = [];
  for (let rest = text.slice(named[0].length); rest !== "";) {
    const found = ATTRIBUTE.exec(rest);
    if (found === null) return undefined;
    const [whole, name, double, single, back, plain] = found;
    const quoted = double ?? single ?? back;
    const quote = double !== undefined ? '"' : single !== undefined ? "'" : "`";
    // Other backslashes are for who looks at the value.
    attributes.push([name.toLowerCase(), quoted?.replaceAll(`\\${quote}`, quote) ?? plain ?? ""]);
    rest = rest.slice(whole.length);
  }
  return { name: named[1].toLowerCase(), attributes };
}
