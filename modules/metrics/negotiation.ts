// Which format does a client want? Accept (RFC 9110 §12.5.1), between the two that there are.

import type { Format } from "./exposition.ts";

/** Most specific first. */
const TEXT_RANGES = ["text/plain", "text/*", "*/*"];

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseRange(text: string): Range {
  const [type, ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(rest.map((part) => {
    const [name, value = ""] = part.split("=");
    return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, "$1")] as const;
  }));
  const quality = Number(parameters.get("q") ?? 1);
  return { type: type.toLowerCase(), parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** OpenMetrics for those who ask for its version 1 and want it no less than text; text for everybody else. */
export function chooseFormat(accept: string | undefined): Format {
  if (accept === undefined) return "text/plain";
  const ranges = accept.split(",").map(parseRange);
  const best = (matches: (range: Range) => boolean) =>
    Math.max(0, ...ranges.filter(matches).map(({ quality }) => quality));
  const openMetrics = best(({ type, parameters }) =>
    type === "application/openmetrics-text" && /^1(?:\.|$)/.test(parameters.get("version") ?? "1")
  );
  const specific = TEXT_RANGES.find((range) => ranges.some(({ type }) => type === range));
  const text = best(({ type }) => type === specific);
  return openMetrics > 0 && openMetrics >= text ? "application/openmetrics-text" : "text/plain";
}
