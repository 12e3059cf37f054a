// How do figures become text that a monitoring system reads? Through prom-client: Prometheus' text format, or OpenMetrics.

import type { OpenMetricsContentType, PrometheusContentType } from "prom-client";
import type { Snapshot } from "../status/mod.ts";
import { type MetricFacts, METRICS } from "./definitions.ts";

type PromClient = typeof import("prom-client");

/** The formats, by media type. */
export type Format = "text/plain" | "application/openmetrics-text";

/** The text, and what it is. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Loads the library: 60 ms of a thread's time, which only those spend that need it. */
export function loadPromClient(): Promise<PromClient> {
  return import("prom-client");
}

/** Writes down all metrics that have values. The registry is of this one time: nothing of an earlier reading can be left in it. */
export async function expose(
  { Registry, Counter, Gauge }: PromClient,
  format: Format,
  snapshot: Snapshot,
  facts: MetricFacts,
): Promise<Exposition> {
  const registry = new Registry<PrometheusContentType | OpenMetricsContentType>();
  registry.setContentType(
    format === "text/plain" ? Registry.PROMETHEUS_CONTENT_TYPE : Registry.OPENMETRICS_CONTENT_TYPE,
  );
  for (const { name, help, type, labels, read } of METRICS) {
    const samples = read(snapshot, facts);
    if (samples.length === 0) continue;
    const options = { name, help, labelNames: [...labels ?? []], registers: [registry] };
    if (type === "gauge") {
      const gauge = new Gauge(options);
      for (const sample of samples) gauge.set(sample.labels ?? {}, sample.value);
    } else {
      const counter = new Counter(options);
      for (const sample of samples) counter.inc(sample.labels ?? {}, sample.value);
    }
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
