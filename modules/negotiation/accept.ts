// How much does a client want a media type, a language, a coding, a charset? The Accept fields of a request (RFC 9110 §12.5).

/** One member of an Accept field. */
export interface Accepted {
  /** In lower case, without parameters; "*" and "text/*" are ranges. */
  readonly name: string;
  /** 0 to 1; 0: not at all. */
  readonly quality: number;
}

/** The members of an Accept field; undefined: the client does not say. */
export function parseAccept(value: string | undefined): readonly Accepted[] | undefined {
  if (value === undefined) return undefined;
  return value.split(",").flatMap((member) => {
    const [name, ...parameters] = member.split(";").map((part) => part.trim().toLowerCase());
    if (name === "") return [];
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, "");
    const quality = weight === undefined ? 1 : Number(weight);
    // A weight that is none counts as 1.
    return [{ name, quality: quality >= 0 && quality <= 1 ? quality : 1 }];
  });
}

/** The quality of a media type: of the most specific range that it is in. */
export function typeQuality(accepted: readonly Accepted[] | undefined, type: string): number {
  if (accepted === undefined) return 1;
  const essence = type.split(";", 1)[0].trim().toLowerCase();
  const major = `${essence.split("/", 1)[0]}/*`;
  for (const name of [essence, major, "*/*"]) {
    const found = accepted.find((member) => member.name === name || (name === "*/*" && member.name === "*"));
    if (found === undefined) continue;
    // Clients that give no weights mean their wildcards as a last resort.
    const weighted = accepted.some(({ quality }) => quality < 1);
    if (weighted || name === essence) return found.quality;
    return name === major ? 0.02 : 0.01;
  }
  return 0;
}

/** What a language that is not asked for, but not refused, is worth. */
export const UNASKED_LANGUAGE = 0.001;

/** The quality of content in `languages`; 0: none of them is accepted. */
export function languageQuality(
  accepted: readonly Accepted[] | undefined,
  languages: readonly string[] | undefined,
): number {
  if (accepted === undefined) return 1;
  if (languages === undefined) return UNASKED_LANGUAGE;
  return Math.max(...languages.map((language) => oneLanguage(accepted, language.toLowerCase())));
}

function oneLanguage(accepted: readonly Accepted[], language: string): number {
  // The longest range wins: en-gb before en.
  for (let range = language;; range = range.slice(0, range.lastIndexOf("-"))) {
    const found = accepted.find(({ name }) => name === range);
    if (found !== undefined) return found.quality;
    if (!range.includes("-")) break;
  }
  const any = accepted.find(({ name }) => name === "*");
  if (any !== undefined) return any.quality;
  // A browser that asks for en-GB alone is content with en.
  return accepted.some(({ name, quality }) => quality > 0 && name.startsWith(`${language}-`))
    ? UNASKED_LANGUAGE
    : 0;
}

/** The quality of a content coding; `undefined`: none, which every client takes, but those like it less that ask for another. */
export function encodingQuality(
  accepted: readonly Accepted[] | undefined,
  encoding: string | undefined,
): number {
  if (accepted === undefined) return encoding === undefined ? 1 : 0.5;
  const name = (encoding ?? "identity").toLowerCase().replace(/^x-/, "");
  const found = accepted.find((member) => member.name.replace(/^x-/, "") === name) ??
    accepted.find((member) => member.name === "*");
  if (found !== undefined) return found.quality;
  return encoding === undefined ? 0.0001 : 0;
}

/** The quality of a charset; ISO-8859-1 and no charset at all are what every client takes. */
export function charsetQuality(
  accepted: readonly Accepted[] | undefined,
  charset: string | undefined,
): number {
  if (accepted === undefined || charset === undefined) return 1;
  const name = charset.toLowerCase();
  const found = accepted.find((member) => member.name === name) ??
    accepted.find((member) => member.name === "*");
  if (found !== undefined) return found.quality;
  return name === "iso-8859-1" ? 1 : 0;
}
