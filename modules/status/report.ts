// How is the state of the server told? mod_status's two forms: `?auto` for programs, a page for people (mpm.md 12.4, 12.5).

import { escapeHtml } from "../../server/http/content/mod.ts";
import { strftime } from "../../server/log/strftime.ts";
import type { Snapshot } from "./snapshot.ts";

/** What both forms tell besides the scoreboard. */
export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  readonly mpm: string;
  /** The MPM keeps idle connections without a slot: it has figures on them. */
  readonly async: boolean;
  readonly built: string;
  /** ms since 1970. */
  readonly now: number;
}

const SECOND = 1000;

function localTime(ms: number): string {
  return strftime("%A, %d-%b-%Y %H:%M:%S %z", ms);
}

/** " 1 day 2 hours 3 minutes 4 seconds"; parts that are zero are left out. */
function uptimeText(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), "day"],
    [Math.floor(seconds / 3600) % 24, "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, unit]) =>
    ` ${count} ${unit}${count === 1 ? "" : "s"}`
  ).join("");
}

/** C's %g: six significant digits, no zeros at the end. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** The `?auto` report. */
export function autoReport(snapshot: Snapshot, facts: ServerFacts): string {
  const uptime = Math.floor((facts.now - snapshot.restartTime) / SECOND);
  const kilobytes = Math.floor(snapshot.bytes / 1024);
  const [load1, load5, load15] = Deno.loadavg();
  const cpu = (snapshot.cpuUser + snapshot.cpuSystem) / 1000;
  const lines = [
    facts.name,
    `ServerVersion: ${facts.version}`,
    `ServerMPM: ${facts.mpm}`,
    `Server Built: ${facts.built}`,
    `CurrentTime: ${localTime(facts.now)}`,
    `RestartTime: ${localTime(snapshot.restartTime)}`,
    `ParentServerConfigGeneration: ${snapshot.configGeneration}`,
    `ParentServerMPMGeneration: ${snapshot.generation}`,
    `ServerUptimeSeconds: ${uptime}`,
    `ServerUptime:${uptimeText(uptime)}`,
    `Load1: ${load1.toFixed(2)}`,
    `Load5: ${load5.toFixed(2)}`,
    `Load15: ${load15.toFixed(2)}`,
    `Total Accesses: ${snapshot.accesses}`,
    `Total kBytes: ${kilobytes}`,
    `Total Duration: ${Math.floor(snapshot.duration / 1000)}`,
    `CPUChildrenUser: ${short(snapshot.cpuUser / 1000)}`,
    `CPUChildrenSystem: ${short(snapshot.cpuSystem / 1000)}`,
  ];
  if (cpu > 0 && uptime > 0) lines.push(`CPULoad: ${short(cpu / uptime * 100)}`);
  lines.push(`Uptime: ${uptime}`);
  if (uptime > 0) {
    lines.push(
      `ReqPerSec: ${short(snapshot.accesses / uptime)}`,
      `BytesPerSec: ${short(kilobytes * 1024 / uptime)}`,
    );
  }
  if (snapshot.accesses > 0) {
    lines.push(
      `BytesPerReq: ${short(kilobytes * 1024 / snapshot.accesses)}`,
      `DurationPerReq: ${short(snapshot.duration / 1000 / snapshot.accesses)}`,
    );
  }
  lines.push(
    `BusyWorkers: ${snapshot.busy}`,
    `GracefulWorkers: ${snapshot.graceful}`,
    `IdleWorkers: ${snapshot.idle}`,
  );
  if (facts.async) {
    const sum = total(snapshot);
    lines.push(
      `Processes: ${snapshot.children.length}`,
      `Stopping: ${snapshot.children.filter(({ stopping }) => stopping).length}`,
      `ConnsTotal: ${sum("connections")}`,
      `ConnsAsyncWaitIO: 0`,
      `ConnsAsyncWriting: ${sum("writing")}`,
      `ConnsAsyncKeepAlive: ${sum("keepAlive")}`,
      `ConnsAsyncClosing: ${sum("closing")}`,
    );
  }
  lines.push(`Scoreboard: ${snapshot.letters}`);
  return lines.join("\n") + "\n";
}

function total({ children }: Snapshot) {
  return (key: "connections" | "writing" | "keepAlive" | "closing" | "busy" | "graceful" | "idle") =>
    children.reduce((sum, child) => sum + child[key], 0);
}

const KEY = [
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

function size(bytes: number): string {
  if (bytes < 5 * 1024) return `${bytes} B`;
  if (bytes < 512 * 1024) return `${(bytes / 1024).toFixed(1)} kB`;
  if (bytes < 512 * 1048576) return `${(bytes / 1048576).toFixed(1)} MB`;
  return `${(bytes / 1073741824).toFixed(1)} GB`;
}

/** The page. `table`: the slots as a table, else as a list. */
export function htmlReport(snapshot: Snapshot, facts: ServerFacts, table: boolean): string {
  const uptime = Math.floor((facts.now - snapshot.restartTime) / SECOND);
  const [load1, load5, load15] = Deno.loadavg();
  const per = (value: number, by: number) => by > 0 ? value / by : 0;
  const cpuUser = snapshot.cpuUser / 1000;
  const cpuSystem = snapshot.cpuSystem / 1000;
  return [
    `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Server Status</title></head><body>`,
    `<h1>Server Status for ${escapeHtml(facts.name)}</h1>`,
    `<dl><dt>Server Version: ${escapeHtml(facts.version)}</dt>`,
    `<dt>Server MPM: ${facts.mpm}</dt>`,
    `<dt>Server Built: ${facts.built}</dt></dl><hr /><dl>`,
    `<dt>Current Time: ${localTime(facts.now)}</dt>`,
    `<dt>Restart Time: ${localTime(snapshot.restartTime)}</dt>`,
    `<dt>Parent Server Config. Generation: ${snapshot.configGeneration}</dt>`,
    `<dt>Parent Server MPM Generation: ${snapshot.generation}</dt>`,
    `<dt>Server uptime: ${uptimeText(uptime)}</dt>`,
    `<dt>Server load: ${load1.toFixed(2)} ${load5.toFixed(2)} ${load15.toFixed(2)}</dt>`,
    `<dt>Total accesses: ${snapshot.accesses} - Total Traffic: ${size(snapshot.bytes)} - Total Duration: ${
      Math.floor(snapshot.duration / 1000)
    }</dt>`,
    `<dt>CPU Usage: cu${short(cpuUser)} cs${short(cpuSystem)} - ${
      short(per(cpuUser + cpuSystem, uptime) * 100)
    }% CPU load</dt>`,
    `<dt>${short(per(snapshot.accesses, uptime))} requests/sec - ${
      size(Math.round(per(snapshot.bytes, uptime)))
    }/second - ` +
    `${size(Math.round(per(snapshot.bytes, snapshot.accesses)))}/request - ${
      short(per(snapshot.duration / 1000, snapshot.accesses))
    } ms/request</dt>`,
    `<dt>${snapshot.busy} requests currently being processed, ${snapshot.graceful} workers gracefully restarting, ${snapshot.idle} idle workers</dt></dl>`,
    facts.async ? connectionTable(snapshot) : "",
    `<pre>${snapshot.letters.replace(/.{64}/g, "$&\n")}</pre>`,
    `<p>Scoreboard Key:<br />${
      KEY.map(([letter, text]) => `"<b><code>${letter}</code></b>" ${text}`).join(", ")
    }</p>`,
    table ? slotTable(snapshot, facts.now) : slotList(snapshot, facts.now),
    "</body></html>\n",
  ].join("\n");
}

function connectionTable(snapshot: Snapshot): string {
  const sum = total(snapshot);
  const rows = snapshot.children.map((child) =>
    `<tr><td>${child.row}</td><td>${child.pid}</td><td>${child.stopping ? "yes" : "no"}${
      child.oldGeneration ? " (old gen)" : ""
    }</td>` +
    `<td>${child.connections}</td><td>${child.accepting ? "yes" : "no"}</td>` +
    `<td>${child.busy}</td><td>${child.graceful}</td><td>${child.idle}</td>` +
    `<td>0</td><td>${child.writing}</td><td>${child.keepAlive}</td><td>${child.closing}</td></tr>`
  );
  const stopping = snapshot.children.filter((child) => child.stopping).length;
  return [
    `<table rules="all" cellpadding="1%">`,
    `<tr><th rowspan="2">Slot</th><th rowspan="2">PID</th><th rowspan="2">Stopping</th><th colspan="2">Connections</th>` +
    `<th colspan="3">Threads</th><th colspan="4">Async connections</th></tr>`,
    `<tr><th>total</th><th>accepting</th><th>busy</th><th>graceful</th><th>idle</th><th>wait-io</th><th>writing</th><th>keep-alive</th><th>closing</th></tr>`,
    ...rows,
    `<tr><td>Sum</td><td>${snapshot.children.length}</td><td>${stopping}</td><td>${
      sum("connections")
    }</td><td>&nbsp;</td>` +
    `<td>${sum("busy")}</td><td>${sum("graceful")}</td><td>${sum("idle")}</td><td>0</td><td>${
      sum("writing")
    }</td>` +
    `<td>${sum("keepAlive")}</td><td>${sum("closing")}</td></tr></table>`,
  ].join("\n");
}

function slotTable({ slots }: Snapshot, now: number): string {
  const columns = [
    "Srv",
    "PID",
    "Acc",
    "M",
    "SS",
    "Req",
    "Dur",
    "Conn",
    "Child",
    "Slot",
    "Client",
    "Protocol",
    "VHost",
    "Request",
  ];
  const rows = slots.map((slot) =>
    [
      `<b>${slot.child}-${slot.generation}</b>`,
      slot.letter === "." ? "-" : String(slot.pid),
      `${slot.connectionAccesses}/${slot.childAccesses}/${slot.accesses}`,
      "_.GI".includes(slot.letter) ? slot.letter : `<b>${slot.letter}</b>`,
      String(Math.max(0, Math.floor((now - slot.lastUsed) / SECOND))),
      String(Math.floor(slot.lastDuration / 1000)),
      String(Math.floor(slot.duration / 1000)),
      (slot.connectionBytes / 1024).toFixed(1),
      (slot.childBytes / 1048576).toFixed(2),
      (slot.bytes / 1048576).toFixed(2),
      ...[slot.client, slot.protocol, slot.virtualHost, slot.request].map(escapeHtml),
    ].map((cell) => `<td>${cell}</td>`).join("")
  );
  return [
    `<table border="0"><tr>${columns.map((name) => `<th>${name}</th>`).join("")}</tr>`,
    ...rows.map((row) => `<tr>${row}</tr>`),
    "</table>",
  ].join("\n");
}

function slotList({ slots }: Snapshot, now: number): string {
  return slots.map((slot) =>
    `<b>Server ${slot.child}-${slot.generation}</b> (${slot.pid}): ${slot.connectionAccesses}|${slot.childAccesses}|${slot.accesses} ` +
    `[${slot.letter}] ${Math.max(0, Math.floor((now - slot.lastUsed) / SECOND))} s, ${size(slot.bytes)}, ` +
    `<i>${escapeHtml(slot.client)} {${escapeHtml(slot.request)}}</i><br />`
  ).join("\n");
}
