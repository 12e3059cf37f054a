// Which of several forms of a resource suits the client best? The server's choice, dimension by dimension.

import type { Accepted } from "./accept.ts";
import { charsetQuality, encodingQuality, languageQuality, typeQuality, UNASKED_LANGUAGE } from "./accept.ts";

/** One form. */
export interface Variant {
  readonly name: string;
  readonly type: string;
  readonly languages: readonly string[] | undefined;
  readonly encoding: string | undefined;
  readonly charset: string | undefined;
  /** Bytes. */
  readonly size: number;
}

/** What the client accepts; undefined: it does not say. */
export interface Wishes {
  readonly types: readonly Accepted[] | undefined;
  readonly languages: readonly Accepted[] | undefined;
  readonly encodings: readonly Accepted[] | undefined;
  readonly charsets: readonly Accepted[] | undefined;
}

/** LanguagePriority and ForceLanguagePriority. */
export interface Priority {
  /** In lower case, the best first. */
  readonly languages: readonly string[];
  /** Where several languages suit equally well, the first of these is taken. */
  readonly prefer: boolean;
  /** Where none suits, the first of these is taken. */
  readonly fallback: boolean;
}

/** Position of the best language of a variant; those without one, or with none of these, come last. */
function rank({ languages }: Variant, priority: Priority): number {
  const ranks = (languages ?? []).map((language) => priority.languages.indexOf(language.toLowerCase()));
  const known = ranks.filter((at) => at >= 0);
  return known.length === 0 ? priority.languages.length : Math.min(...known);
}

/** The best of `variants`; undefined: none is acceptable. */
export function choose(
  variants: readonly Variant[],
  wishes: Wishes,
  priority: Priority,
): Variant | undefined {
  const rated = variants.map((variant) => ({
    variant,
    type: typeQuality(wishes.types, variant.type),
    language: languageQuality(wishes.languages, variant.languages),
    encoding: encodingQuality(wishes.encodings, variant.encoding),
    charset: charsetQuality(wishes.charsets, variant.charset),
    rank: rank(variant, priority),
  }));
  const usable = rated.filter(({ type, encoding, charset }) => type > 0 && encoding > 0 && charset > 0);
  const wanted = usable.filter(({ language }) => language > 0);
  // Nobody asked for what is left: the server has a say.
  const fallsBack = priority.fallback && wanted.every(({ language }) => language <= UNASKED_LANGUAGE) &&
    wishes.languages !== undefined;
  const ranked = priority.prefer || fallsBack;
  const candidates = fallsBack ? usable.map((rating) => ({ ...rating, language: 0 })) : wanted;
  candidates.sort((a, b) =>
    b.type - a.type || b.language - a.language || (ranked ? a.rank - b.rank : 0) || b.charset - a.charset ||
    encodingOrder(a, b) || a.variant.size - b.variant.size || (a.variant.name < b.variant.name ? -1 : 1)
  );
  return candidates.at(0)?.variant;
}

interface Coded {
  readonly encoding: number;
  readonly variant: Variant;
}

/** What needs no decoding is better, if the client likes both. */
function encodingOrder(a: Coded, b: Coded): number {
  if (a.encoding !== b.encoding) return b.encoding - a.encoding;
  return Number(a.variant.encoding !== undefined) - Number(b.variant.encoding !== undefined);
}
