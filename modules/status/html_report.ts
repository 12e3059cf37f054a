// How is the state of the server told to people? mod_status's page (mpm.md 12.5), in ASCII.

import { escapeHtmlAscii } from "../../server/http/content/mod.ts";
import { cpuSeconds, localTime, type ServerFacts, short, uptimeOf, uptimeText } from "./facts.ts";
import { type SlotReading, type Snapshot, sum } from "../../server/snapshot.ts";

/** What the page shows of single slots. */
export type SlotDetails =
  | { readonly form: "table"; readonly slots: readonly SlotReading[] }
  | { readonly form: "list"; readonly slots: readonly SlotReading[] }
  /** Without ExtendedStatus no more is known. */
  | {
    readonly form: "states";
    readonly states: readonly { readonly pid: number; readonly letter: string }[];
  };

const SECOND = 1000;
const STATES_PER_LINE = 3;

const KEY: readonly (readonly [letter: string, text: string])[] = [
  ["_", "Waiting for Connection"],
  ["S", "Starting up"],
  ["R", "Reading Request"],
  ["W", "Sending Reply"],
  ["K", "Keepalive (read)"],
  ["D", "DNS Lookup"],
  ["C", "Closing connection"],
  ["L", "Logging"],
  ["G", "Gracefully finishing"],
  ["I", "Idle cleanup of worker"],
  [".", "Open slot with no current process"],
];

const STATE_NAMES: Readonly<Record<string, string>> = {
  ".": "Dead",
  "S": "Starting",
  "_": "Ready",
  "R": "Read",
  "W": "Write",
  "K": "Keepalive",
  "L": "Logging",
  "D": "DNS lookup",
  "C": "Closing",
  "G": "Graceful",
  "I": "Dying",
};

const COLUMNS: readonly (readonly [name: string, legend: string | undefined])[] = [
  ["Srv", "Child Server number - generation"],
  ["PID", "OS process ID"],
  ["Acc", "Number of accesses this connection / this child / this slot"],
  ["M", "Mode of operation"],
  ["SS", "Seconds since beginning of most recent request"],
  ["Req", "Milliseconds required to process most recent request"],
  ["Dur", "Sum of milliseconds required to process all requests"],
  ["Conn", "Kilobytes transferred this connection"],
  ["Child", "Megabytes transferred this child"],
  ["Slot", "Total megabytes transferred this slot"],
  ["Client", undefined],
  ["Protocol", undefined],
  ["VHost", undefined],
  ["Request", undefined],
];

/** Bytes as people read them. */
function size(bytes: number): string {
  if (bytes < 5 * 1024) return `${Math.round(bytes)} B`;
  if (bytes < 512 * 1024) return `${(bytes / 1024).toFixed(1)} kB`;
  if (bytes < 512 * 1048576) return `${(bytes / 1048576).toFixed(1)} MB`;
  return `${(bytes / 1073741824).toFixed(1)} GB`;
}

/** The page. */
export function htmlReport(snapshot: Snapshot, facts: ServerFacts, details: SlotDetails): string {
  const uptime = uptimeOf(snapshot, facts);
  const load = Deno.loadavg().map((average) => average.toFixed(2)).join(" ");
  return [
    `<!DOCTYPE html>\n<html><head><title>Server Status</title></head><body>`,
    `<h1>Server Status for ${escapeHtmlAscii(facts.name)} (via ${escapeHtmlAscii(facts.address)})</h1>`,
    `<dl><dt>Server Version: ${escapeHtmlAscii(facts.version)}</dt>`,
    `<dt>Server MPM: ${facts.mpm}</dt>`,
    `<dt>Server Built: ${facts.built}</dt></dl><hr /><dl>`,
    `<dt>Current Time: ${escapeHtmlAscii(localTime(facts.now))}</dt>`,
    `<dt>Restart Time: ${escapeHtmlAscii(localTime(snapshot.restartTime))}</dt>`,
    `<dt>Parent Server Config. Generation: ${snapshot.configGeneration}</dt>`,
    `<dt>Parent Server MPM Generation: ${snapshot.generation}</dt>`,
    `<dt>Server uptime: ${uptimeText(uptime)}</dt>`,
    `<dt>Server load: ${load}</dt>`,
    ...facts.extended ? traffic(snapshot, uptime) : [],
    `<dt>${snapshot.busy} requests currently being processed, ${snapshot.graceful} workers gracefully restarting, ` +
    `${snapshot.idle} idle workers</dt></dl>`,
    ...facts.async ? connectionTable(snapshot) : [],
    `<pre>${snapshot.letters.replace(/.{64}(?=.)/g, "$&\n")}</pre>`,
    `<p>Scoreboard Key:<br />${
      KEY.map(([letter, text]) => `"<b><code>${letter}</code></b>" ${text}`).join(", ")
    }</p>`,
    ...slotLines(details, facts.now),
    "</body></html>\n",
  ].join("\n");
}

function traffic(snapshot: Snapshot, uptime: number): string[] {
  const cpu = cpuSeconds(snapshot);
  const lines = [
    `<dt>Total accesses: ${snapshot.accesses} - Total Traffic: ${size(snapshot.bytes)} - ` +
    `Total Duration: ${Math.floor(snapshot.duration / 1000)}</dt>`,
    `<dt>CPU Usage: u${short(cpu.user)} s${short(cpu.system)} cu${short(cpu.childrenUser)} cs${
      short(cpu.childrenSystem)
    }${uptime > 0 ? ` - ${short(cpu.total / uptime * 100)}% CPU load` : ""}</dt>`,
  ];
  const averages: string[] = [];
  if (uptime > 0) {
    averages.push(
      `${short(snapshot.accesses / uptime)} requests/sec`,
      `${size(snapshot.bytes / uptime)}/second`,
    );
  }
  if (snapshot.accesses > 0) {
    averages.push(
      `${size(snapshot.bytes / snapshot.accesses)}/request`,
      `${short(snapshot.duration / 1000 / snapshot.accesses)} ms/request`,
    );
  }
  if (averages.length > 0) lines.push(`<dt>${averages.join(" - ")}</dt>`);
  return lines;
}

function connectionTable({ children }: Snapshot): string[] {
  const cells = (values: readonly (string | number)[]) =>
    `<tr>${values.map((value) => `<td>${value}</td>`).join("")}</tr>`;
  const rows = children.map((child) =>
    cells([
      child.row,
      child.pid,
      `${child.stopping ? "yes" : "no"}${child.oldGeneration ? " (old gen)" : ""}`,
      child.connections,
      child.accepting ? "yes" : "no",
      child.busy,
      child.graceful,
      child.idle,
      0,
      child.writing,
      child.keepAlive,
      child.closing,
    ])
  );
  const total = (key: "connections" | "busy" | "graceful" | "idle" | "writing" | "keepAlive" | "closing") =>
    sum(children, key);
  return [
    `<table rules="all" cellpadding="1%">`,
    `<tr><th rowspan="2">Slot</th><th rowspan="2">PID</th><th rowspan="2">Stopping</th><th colspan="2">Connections</th>`,
    `<th colspan="3">Threads</th><th colspan="4">Async connections</th></tr>`,
    `<tr><th>total</th><th>accepting</th><th>busy</th><th>graceful</th><th>idle</th>` +
    `<th>wait-io</th><th>writing</th><th>keep-alive</th><th>closing</th></tr>`,
    ...rows,
    cells([
      "Sum",
      children.length,
      children.filter(({ stopping }) => stopping).length,
      total("connections"),
      "&nbsp;",
      total("busy"),
      total("graceful"),
      total("idle"),
      0,
      total("writing"),
      total("keepAlive"),
      total("closing"),
    ]),
    "</table>",
  ];
}

function slotLines(details: SlotDetails, now: number): string[] {
  if (details.form === "table") return slotTable(details.slots, now);
  if (details.form === "list") {
    return ["<hr /><h2>Server Details</h2>", ...details.slots.map((slot) => listed(slot, now))];
  }
  const states = details.states.map(({ pid, letter }) => `${pid} in state: ${letter}`);
  const lines: string[] = [];
  for (let i = 0; i < states.length; i += STATES_PER_LINE) {
    lines.push(`   ${states.slice(i, i + STATES_PER_LINE).join(" ,   ")}`);
  }
  return [
    "PID Key: <br />",
    `<pre>\n${lines.join("\n")}\n</pre>`,
    "<hr />Durations, clients and requests are shown with the directive <code>ExtendedStatus On</code>.",
  ];
}

/** The password of a URI is nobody's business (RFC 9110 §4.2.4); it may have been cut off in the middle. */
function masked(request: string): string {
  return request.replace(/(:\/\/[^\s\/?#:@]*):[^\s\/?#@]*(@|$)/, "$1:XXXXXXXX$2");
}

const since = ({ lastUsed }: SlotReading, now: number) => Math.max(0, Math.floor((now - lastUsed) / SECOND));
const megabytes = (bytes: number) => (bytes / 1048576).toFixed(2);

function slotTable(slots: readonly SlotReading[], now: number): string[] {
  const rows = slots.map((slot) => [
    `<b>${slot.child}-${slot.generation}</b>`,
    slot.letter === "." ? "-" : String(slot.pid),
    `${slot.connectionAccesses}/${slot.childAccesses}/${slot.accesses}`,
    "_.GI".includes(slot.letter) ? slot.letter : `<b>${slot.letter}</b>`,
    String(since(slot, now)),
    String(Math.floor(slot.lastDuration / 1000)),
    String(Math.floor(slot.duration / 1000)),
    (slot.connectionBytes / 1024).toFixed(1),
    megabytes(slot.childBytes),
    megabytes(slot.bytes),
    ...[slot.client, slot.protocol, slot.virtualHost, masked(slot.request)].map(escapeHtmlAscii),
  ]);
  return [
    `<table border="0"><tr>${COLUMNS.map(([name]) => `<th>${name}</th>`).join("")}</tr>`,
    ...rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`),
    "</table>",
    "<hr /> <table>",
    ...COLUMNS.filter(([, legend]) => legend !== undefined).map(([name, legend]) =>
      ` <tr><th>${name}</th><td>${legend}</td></tr>`
    ),
    "</table>",
  ];
}

function listed(slot: SlotReading, now: number): string {
  const name = STATE_NAMES[slot.letter];
  return [
    `<b>Server ${slot.child}-${slot.generation}</b> (${
      slot.letter === "." ? "-" : slot.pid
    }): ${slot.connectionAccesses}|${slot.childAccesses}|${slot.accesses} [${
      "_.GI".includes(slot.letter) ? name : `<b>${name}</b>`
    }]`,
    ` ${since(slot, now)} ${Math.floor(slot.lastDuration / 1000)} ${Math.floor(slot.duration / 1000)} (` +
    `${size(slot.connectionBytes)}|${size(slot.childBytes)}|${size(slot.bytes)})`,
    ` <i>${escapeHtmlAscii(slot.client)} {${escapeHtmlAscii(masked(slot.request))}}</i> ` +
    `<i>(${escapeHtmlAscii(slot.protocol)})</i> <b>[${escapeHtmlAscii(slot.virtualHost)}]</b><br />`,
  ].join("\n");
}
