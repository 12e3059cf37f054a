// How is the state of the server told to programs? mod_status's `?auto` (mpm.md 12.4).

import { escapeHtmlAscii } from "../../server/http/content/mod.ts";
import { cpuSeconds, localTime, type ServerFacts, short, uptimeOf, uptimeText } from "./facts.ts";
import { type Snapshot, sum } from "../../server/snapshot.ts";

/** The `?auto` report. */
export function autoReport(snapshot: Snapshot, facts: ServerFacts): string {
  const uptime = uptimeOf(snapshot, facts);
  const [load1, load5, load15] = Deno.loadavg();
  const lines = [
    escapeHtmlAscii(facts.name),
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
    ...facts.extended ? trafficLines(snapshot, uptime) : [],
    `BusyWorkers: ${snapshot.busy}`,
    `GracefulWorkers: ${snapshot.graceful}`,
    `IdleWorkers: ${snapshot.idle}`,
    ...facts.async ? connectionLines(snapshot) : [],
    `Scoreboard: ${snapshot.letters}`,
  ];
  return lines.join("\n") + "\n";
}

function trafficLines(snapshot: Snapshot, uptime: number): string[] {
  const cpu = cpuSeconds(snapshot);
  // Averages are of whole kilobytes, as httpd's.
  const kilobytes = Math.floor(snapshot.bytes / 1024);
  const duration = Math.floor(snapshot.duration / 1000);
  const lines = [
    `Total Accesses: ${snapshot.accesses}`,
    `Total kBytes: ${kilobytes}`,
    `Total Duration: ${duration}`,
    `CPUUser: ${short(cpu.user)}`,
    `CPUSystem: ${short(cpu.system)}`,
    `CPUChildrenUser: ${short(cpu.childrenUser)}`,
    `CPUChildrenSystem: ${short(cpu.childrenSystem)}`,
  ];
  if (cpu.total > 0 && uptime > 0) lines.push(`CPULoad: ${short(cpu.total / uptime * 100)}`);
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
      `DurationPerReq: ${short(duration / snapshot.accesses)}`,
    );
  }
  return lines;
}

function connectionLines({ children }: Snapshot): string[] {
  return [
    `Processes: ${children.length}`,
    `Stopping: ${children.filter(({ stopping }) => stopping).length}`,
    `ConnsTotal: ${sum(children, "connections")}`,
    // A connection that waits for input in the middle of a request keeps its slot here.
    `ConnsAsyncWaitIO: 0`,
    `ConnsAsyncWriting: ${sum(children, "writing")}`,
    `ConnsAsyncKeepAlive: ${sum(children, "keepAlive")}`,
    `ConnsAsyncClosing: ${sum(children, "closing")}`,
  ];
}
