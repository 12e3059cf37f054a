import { assertEquals, assertMatch } from "@std/assert";
import type { Snapshot } from "../../server/snapshot.ts";
import { type MetricFacts, METRICS } from "./definitions.ts";
import { expose } from "./exposition.ts";

const FACTS: MetricFacts = { version: 'a "b" \\c\nd', mpm: "event", async: true, extended: true };
const SNAPSHOT: Snapshot = {
  generation: 2,
  configGeneration: 3,
  restartTime: 1_700_000_000_000,
  control: undefined,
  started: 0,
  failed: 0,
  children: [],
  letters: "_W.",
  accesses: 7,
  responses: [1, 0, 5, 1, 0, 0],
  bytes: 1e21,
  duration: 12,
  busy: 1,
  graceful: 0,
  idle: 1,
  slotLimit: 64,
  cpuUser: 1,
  cpuSystem: 2,
};

Deno.test("exposition: labels are escaped, counters are named as each format wants it, OpenMetrics has an end", () => {
  const info = METRICS.find(({ name }) => name === "mpmd_build_info")!;
  assertEquals(info.read(SNAPSHOT, FACTS)[0].labels?.version, FACTS.version);
  const text = expose("text/plain", SNAPSHOT, FACTS).text;
  assertMatch(text, /^mpmd_build_info\{.*version="a \\"b\\" \\\\c\\nd".*\} 1$/m);
  for (const { name, type } of METRICS) {
    if (type === "counter" && text.includes(`# TYPE ${name} `)) {
      const other = expose("application/openmetrics-text", SNAPSHOT, FACTS).text;
      assertMatch(other, new RegExp(`^# TYPE ${name.replace(/_total$/, "")} counter$`, "m"));
    }
  }
  assertMatch(expose("application/openmetrics-text", SNAPSHOT, FACTS).text, /\n# EOF\n$/);
});
