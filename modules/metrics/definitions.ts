// Which figures does the server give to a monitoring system? The table of metrics: names and units by Prometheus' conventions.

import { type ProcessReading, type Snapshot, sum } from "../../server/snapshot.ts";

/** One value of a metric, with the values of its labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is known of the server besides its scoreboard. */
export interface MetricFacts {
  readonly version: string;
  readonly mpm: string;
  /** The MPM keeps idle connections without a slot. */
  readonly async: boolean;
  /** ExtendedStatus: the time that requests take is written down. */
  readonly extended: boolean;
}

/** A metric. Counters end in `_total` and only ever grow, until the server is started anew. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labels?: readonly string[];
  /** No values: the server has no such figure at the moment. */
  readonly read: (snapshot: Snapshot, facts: MetricFacts) => readonly Sample[];
}

const SLOT_STATES: readonly (readonly [letter: string, state: string])[] = [
  ["_", "idle"],
  ["S", "starting"],
  ["R", "reading"],
  ["W", "writing"],
  ["K", "keep_alive"],
  ["D", "dns_lookup"],
  ["C", "closing"],
  ["L", "logging"],
  ["G", "graceful"],
  ["I", "idle_cleanup"],
  [".", "open"],
];

const RESPONSE_CODES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
const MS = 1000;
const MICROSECONDS = 1_000_000;
const KIB = 1024;

const single = (read: (snapshot: Snapshot) => number): Metric["read"] => (snapshot) => [
  { value: read(snapshot) },
];

/** One value for each label, of whatever has the label. */
function byLabel(label: string, values: readonly (readonly [string, number])[]): Sample[] {
  return values.map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** What only a control process knows that writes to this scoreboard. */
const ofControl = (read: (snapshot: Snapshot) => number): Metric["read"] => (snapshot) =>
  snapshot.control === undefined ? [] : [{ value: read(snapshot) }];

function letterCounts({ letters }: Snapshot): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return counts;
}

/** The processes by a name that outlives them: rows of the scoreboard are used again, process ids are not. */
function processes({ control, children }: Snapshot): (readonly [name: string, process: ProcessReading])[] {
  const named = children.map((child) => [`child-${child.row}`, child] as const);
  return control === undefined ? named : [["control", control], ...named];
}

/** The metrics, in the order in which they are told. */
export const METRICS: readonly Metric[] = [
  {
    name: "mpmd_build_info",
    help: "Always 1; the labels tell the version of the server and its MPM",
    type: "gauge",
    labels: ["version", "mpm"],
    read: (_, { version, mpm }) => [{ labels: { version, mpm }, value: 1 }],
  },
  {
    name: "mpmd_start_time_seconds",
    help: "Time of the start, or of the last ungraceful restart, in seconds since 1970",
    type: "gauge",
    read: single(({ restartTime }) => restartTime / MS),
  },
  {
    name: "mpmd_restarts_total",
    help: "Restarts, graceful or not, that a configuration took effect by",
    type: "counter",
    read: single(({ generation }) => generation),
  },
  {
    name: "mpmd_children",
    help:
      "Child processes: those that accept connections, those that have as many as they may, those that end",
    type: "gauge",
    labels: ["state"],
    read: ({ children }) => {
      const serving = children.filter(({ stopping }) => !stopping);
      const accepting = serving.filter((child) => child.accepting).length;
      return byLabel("state", [
        ["accepting", accepting],
        ["full", serving.length - accepting],
        ["stopping", children.length - serving.length],
      ]);
    },
  },
  {
    name: "mpmd_children_started_total",
    help: "Child processes started",
    type: "counter",
    read: ofControl(({ started }) => started),
  },
  {
    name: "mpmd_children_failed_total",
    help: "Child processes that ended without having been asked to, or with an error",
    type: "counter",
    read: ofControl(({ failed }) => failed),
  },
  {
    name: "mpmd_slots",
    help: "Slots of the scoreboard by what they do; a slot is the right to work on one request",
    type: "gauge",
    labels: ["state"],
    read: (snapshot) => {
      const counts = letterCounts(snapshot);
      return byLabel("state", SLOT_STATES.map(([letter, state]) => [state, counts.get(letter) ?? 0]));
    },
  },
  {
    name: "mpmd_slots_busy",
    help: "Slots with a request or a connection in hand, of children that do not end",
    type: "gauge",
    read: single(({ busy }) => busy),
  },
  {
    name: "mpmd_slots_idle",
    help: "Slots that wait for work, of children that do not end",
    type: "gauge",
    read: single(({ idle }) => idle),
  },
  {
    name: "mpmd_slots_limit",
    help: "The most slots that the configuration allows for (MaxRequestWorkers times RequestsPerThread)",
    type: "gauge",
    read: single(({ slotLimit }) => slotLimit),
  },
  {
    name: "mpmd_threads",
    help: "Server threads that run",
    type: "gauge",
    read: single(({ children }) => sum(children, "threads")),
  },
  {
    name: "mpmd_threads_stuck",
    help: "Server threads that a handler has kept from moving for more than some 50 ms, or for good",
    type: "gauge",
    read: single(({ children }) => sum(children, "stuckThreads")),
  },
  {
    name: "mpmd_connections",
    help: "Open connections, idle ones included",
    type: "gauge",
    read: single(({ children }) => sum(children, "connections")),
  },
  {
    name: "mpmd_connections_without_slot",
    help: "Open connections that hold no slot, by what they wait for; of MPMs that have such",
    type: "gauge",
    labels: ["state"],
    read: ({ children }, { async }) =>
      async
        ? byLabel("state", [
          ["keep_alive", sum(children, "keepAlive")],
          ["writing", sum(children, "writing")],
          ["closing", sum(children, "closing")],
        ])
        : [],
  },
  {
    name: "mpmd_requests_total",
    help: "Requests by class of the response's status; none: it ended before there was one",
    type: "counter",
    labels: ["code"],
    read: ({ responses }) => byLabel("code", RESPONSE_CODES.map((code, i) => [code, responses[i]])),
  },
  {
    name: "mpmd_response_body_bytes_total",
    help: "Bytes of response bodies that were sent",
    type: "counter",
    read: single(({ bytes }) => bytes),
  },
  {
    name: "mpmd_request_duration_seconds_total",
    help:
      "Time that all requests together took, from their first byte to the end of the response; with ExtendedStatus",
    type: "counter",
    read: ({ duration }, { extended }) => extended ? [{ value: duration / MICROSECONDS }] : [],
  },
  {
    name: "mpmd_process_cpu_seconds_total",
    help: "CPU time of the control process and of the child in each row of the scoreboard",
    type: "counter",
    labels: ["process", "mode"],
    read: (snapshot) =>
      processes(snapshot).flatMap(([process, { cpuUser, cpuSystem }]) => [
        { labels: { process, mode: "user" }, value: cpuUser / MS },
        { labels: { process, mode: "system" }, value: cpuSystem / MS },
      ]),
  },
  {
    name: "mpmd_process_resident_memory_bytes",
    help: "Resident memory of the control process and of the child in each row of the scoreboard",
    type: "gauge",
    labels: ["process"],
    read: (snapshot) =>
      byLabel("process", processes(snapshot).map(([name, { resident }]) => [name, resident * KIB])),
  },
];
