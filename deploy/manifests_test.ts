// Do the manifests fit together, and what the server offers? Their structure, read as Kubernetes' tools do, without a cluster.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse, parseAllDocuments } from "yaml";
import { METRICS } from "../modules/metrics/definitions.ts";
import { METRICS_HANDLER } from "../modules/metrics/mod.ts";
import { STATUS_HANDLER } from "../modules/status/mod.ts";

interface Port {
  readonly name: string;
  readonly containerPort: number;
}

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly tcpSocket?: { readonly port: string };
}

/** What of the manifests is asked about. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Record<string, string> };
    readonly scaleTargetRef: { readonly kind: string; readonly name: string };
    readonly metrics: readonly {
      readonly type: string;
      readonly pods?: { readonly metric: { readonly name: string } };
    }[];
    readonly podMetricsEndpoints: readonly { readonly port: string; readonly path: string }[];
    readonly template: {
      readonly metadata: {
        readonly labels: Record<string, string>;
        readonly annotations: Record<string, string>;
      };
      readonly spec: {
        readonly containers: readonly ({
          readonly ports: readonly Port[];
          readonly volumeMounts: readonly { readonly name: string }[];
        } & Record<"startupProbe" | "readinessProbe" | "livenessProbe", Probe>)[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

interface AdapterValues {
  readonly rules: {
    readonly custom: readonly { readonly seriesQuery: string; readonly name: { readonly as: string } }[];
  };
}

const read = (name: string) => Deno.readTextFileSync(new URL(name, import.meta.url));

function manifests(name: string): ReadonlyMap<string, Manifest> {
  const documents = parseAllDocuments(read(name));
  assert(Array.isArray(documents), `${name} is empty`);
  return new Map(documents.map((document) => {
    assertEquals(document.errors, []);
    const manifest = document.toJS() as Manifest;
    assertMatch(manifest.apiVersion, /^(?:[a-z.]+\/)?v\d+$/);
    return [manifest.kind, manifest] as const;
  }));
}

const metricNames = METRICS.map(({ name }) => name);

Deno.test("deploy: labels, ports, probes and volumes of the manifest are those of the container", () => {
  const all = manifests("kubernetes.yaml");
  const { template, selector } = all.get("Deployment")!.spec;
  const labels = template.metadata.labels;
  for (const [name, value] of Object.entries(selector.matchLabels)) assertEquals(labels[name], value);
  const [container] = template.spec.containers;
  const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
  const config = read("container.conf");
  for (const port of ports.values()) assertMatch(config, new RegExp(`^Listen ${port}$`, "m"));
  for (const probe of [container.startupProbe, container.readinessProbe]) {
    assert(ports.has(probe.httpGet!.port));
    assertEquals(probe.httpGet!.path, "/server-status?auto");
  }
  assert(ports.has(container.livenessProbe.tcpSocket!.port));
  const volumes = template.spec.volumes.map(({ name }) => name).sort();
  assertEquals(container.volumeMounts.map(({ name }) => name).sort(), volumes);

  const { annotations } = template.metadata;
  assertEquals(Number(annotations["prometheus.io/port"]), ports.get("status"));
  const places = `<Location "/server-status">
        SetHandler ${STATUS_HANDLER}
    </Location>
    <Location "${annotations["prometheus.io/path"]}">
        SetHandler ${METRICS_HANDLER}
    </Location>`;
  assertStringIncludes(config, places);
  const { scaleTargetRef } = all.get("HorizontalPodAutoscaler")!.spec;
  assertEquals(scaleTargetRef.name, all.get("Deployment")!.metadata.name);
});

Deno.test("deploy: monitoring asks for what the pods have, and scales by a metric that the adapter knows", () => {
  const pods = manifests("kubernetes.yaml");
  const all = manifests("kubernetes-monitoring.yaml");
  const { selector, podMetricsEndpoints: [endpoint] } = all.get("PodMonitor")!.spec;
  const { template } = pods.get("Deployment")!.spec;
  assertEquals(selector.matchLabels, template.metadata.labels);
  assert(template.spec.containers[0].ports.some(({ name }) => name === endpoint.port));
  assertEquals(endpoint.path, template.metadata.annotations["prometheus.io/path"]);

  const scaler = all.get("HorizontalPodAutoscaler")!;
  // Two autoscalers of one Deployment would fight: this one replaces the other.
  assertEquals(scaler.metadata.name, pods.get("HorizontalPodAutoscaler")!.metadata.name);
  assertEquals(scaler.spec.scaleTargetRef, pods.get("HorizontalPodAutoscaler")!.spec.scaleTargetRef);
  const metric = scaler.spec.metrics.find(({ type }) => type === "Pods")!.pods!.metric.name;
  assert(metricNames.includes(metric));
  const adapter: AdapterValues = parse(read("prometheus-adapter.yaml"));
  const [rule] = adapter.rules.custom;
  assertEquals(rule.name.as, metric);
  assert(rule.seriesQuery.startsWith(`${metric}{`));
});

Deno.test("docs: every metric is documented with its labels and type, and no other", () => {
  const section = /\n## Metrics\n([^]*?)\n\| question /.exec(read("../docs/operations.md"))![1];
  const documented = new Map<string, string>();
  for (const [, cells, type] of section.matchAll(/^\| (`mpmd_[^|]*) \| (counter|gauge) \|/gm)) {
    for (const [, name, labels = ""] of cells.matchAll(/`(\w+)(?:\{([\w,]*)\})?`/g)) {
      documented.set(name, `${type} ${labels}`);
    }
  }
  const there = METRICS.map(({ name, type, labels = [] }) => [name, `${type} ${labels.join(",")}`] as const);
  assertEquals(documented, new Map(there));
});
