// How do figures become text that a monitoring system reads? Prometheus' text format 0.0.4, and OpenMetrics 1.0.
//
// A library (prom-client) wrote them once. `deno compile` died of one of its dependencies, which brings two megabytes of numbers
// that are read as one JavaScript expression (a stack overflow in Deno 2.6 to 2.9); what was used of it is this page.

import type { Snapshot } from "../../server/snapshot.ts";
import { type MetricFacts, METRICS, type Sample } from "./definitions.ts";

/** The formats, by media type. */
export type Format = "text/plain" | "application/openmetrics-text";

/** The text, and what it is. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  "text/plain": "text/plain; version=0.0.4; charset=utf-8",
  "application/openmetrics-text": "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Writes down all metrics that have values. */
export function expose(format: Format, snapshot: Snapshot, facts: MetricFacts): Exposition {
  const openMetrics = format === "application/openmetrics-text";
  let text = "";
  for (const { name, help, type, read } of METRICS) {
    const samples = read(snapshot, facts);
    if (samples.length === 0) continue;
    // OpenMetrics calls a family of counters by what stands before _total.
    const family = openMetrics && type === "counter" ? name.replace(/_total$/, "") : name;
    text += `# HELP ${family} ${escapeHelp(help, openMetrics)}\n# TYPE ${family} ${type}\n`;
    for (const sample of samples) text += `${name}${labelsOf(sample)} ${valueOf(sample.value)}\n`;
  }
  return { contentType: CONTENT_TYPES[format], text: openMetrics ? text + "# EOF\n" : text };
}

function labelsOf({ labels }: Sample): string {
  if (labels === undefined) return "";
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** A quotation mark is plain in one format and escaped in the other. */
function escapeHelp(text: string, openMetrics: boolean): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return openMetrics ? escaped.replaceAll('"', '\\"') : escaped;
}

/** Numbers are written as Go reads them. */
function valueOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
