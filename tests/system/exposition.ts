// Is this text what a monitoring system can read? A strict reader of Prometheus' text format 0.0.4 and of OpenMetrics 1.0, for what a
// server without histograms and exemplars says: whatever is not clearly allowed is an error.

import { assert, assertEquals, assertMatch } from "@std/assert";

/** A metric with its values, by labels as they are written, in the order of their names. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly values: Map<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/y;

/** Families by name; those of counters under the name of their values, in either format. @throws when something is wrong */
export function readExposition(text: string, openMetrics: boolean): Map<string, Family> {
  assert(text.endsWith("\n"), "the last line is not ended");
  const lines = text.slice(0, -1).split("\n");
  if (openMetrics) assertEquals(lines.pop(), "# EOF");
  const families = new Map<string, Family>();
  let help: [string, string] | undefined;
  let current: { name: string; family: Family } | undefined;
  for (const line of lines) {
    if (line === "" && !openMetrics) continue;
    const [hash, kind, name, ...rest] = line.split(" ");
    if (hash === "#" && kind === "HELP") {
      assertMatch(name, NAME);
      help = [name, rest.join(" ")];
    } else if (hash === "#" && kind === "TYPE") {
      assertEquals(help?.[0], name, "TYPE without HELP");
      assertMatch(rest.join(" "), /^(?:counter|gauge)$/);
      const sampleName = openMetrics && rest[0] === "counter" ? `${name}_total` : name;
      assert(!families.has(sampleName), `${sampleName} comes twice`);
      assertEquals(rest[0] === "counter", sampleName.endsWith("_total"), sampleName);
      current = { name: sampleName, family: { type: rest[0], help: help![1], values: new Map() } };
      families.set(sampleName, current.family);
    } else {
      const [, sampleName, labels = "", value] = SAMPLE.exec(line) ?? [];
      assert(sampleName !== undefined, `no sample: ${line}`);
      assertEquals(sampleName, current?.name, "a sample of another family");
      const key = readLabels(labels);
      assert(!current!.family.values.has(key), `${line} comes twice`);
      const figure = Number(value);
      assert(Number.isFinite(figure) && figure >= 0, line);
      current!.family.values.set(key, figure);
    }
  }
  for (const [name, { values, help }] of families) {
    assert(values.size > 0, `${name} has no value`);
    assert(help !== "", `${name} has no help`);
  }
  return families;
}

function readLabels(text: string): string {
  const labels: string[] = [];
  const names = new Set<string>();
  for (let at = 0; at < text.length;) {
    LABEL.lastIndex = at;
    const label = LABEL.exec(text);
    assert(label !== null, `no label: ${text.slice(at)}`);
    assert(!names.has(label[1]), `${label[1]} comes twice`);
    names.add(label[1]);
    labels.push(label[0]);
    at = LABEL.lastIndex;
    if (at < text.length) assertEquals(text[at++], ",");
    else break;
    assert(at < text.length, "a comma at the end");
  }
  return labels.sort().join(",");
}
