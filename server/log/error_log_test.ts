// Does the error log write what passes, where it is to go, one call a line?

import {
  configureSync,
  getConfig,
  getLogger as getTapeLogger,
  type LogRecord,
  resetSync,
} from "@logtape/logtape";
import "@std/log";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { LogSubject } from "./error_format.ts";
import { ErrorLog } from "./error_log.ts";
import type { ErrorLayout } from "./error_log.ts";
import type { ErrorSink } from "./error_sink.ts";
import { Thresholds } from "./thresholds.ts";

/** A log whose lines are collected. */
function collected(
  levels: readonly string[],
  thread: number | undefined = 3,
  layout?: ErrorLayout,
  over: Partial<ErrorSink> = {},
) {
  const writes: string[] = [];
  const sink = {
    write: (line: string) => void writes.push(line + "\n"),
    notesTime: false,
    takesNotice: true,
    close() {},
    ...over,
  };
  const log = new ErrorLog({ sink, thresholds: new Thresholds(levels), thread, layout });
  return { log, writes, [Symbol.dispose]: () => log.close() };
}

const CLIENT = { client: "192.0.2.1:1", connectionId: "c", requestId: "r", requestHeader: () => undefined };
const ABOUT = CLIENT as unknown as LogSubject;

Deno.test("error log: a line is one write, with its line feed", () => {
  using to = collected(["warn"]);
  to.log.log("error", "core", "AH00042", "first\nstill first", { about: ABOUT });
  to.log.log("warn", "mpm_event", undefined, "{second}");
  assertEquals(to.writes.length, 2);
  assertMatch(
    to.writes[0],
    /^\[\w{3} \w{3} \d\d \d\d:\d\d:\d\d\.\d{6} \d{4}\] \[core:error\] \[pid \d+:tid 3\] \[client 192\.0\.2\.1:1\] AH00042: first\\nstill first\n$/,
  );
  assertMatch(to.writes[1], /\[mpm_event:warn\] .* \{second\}\n$/);
});

Deno.test("error log: the main thread's tid is the process's, without threads there is none", () => {
  using main = collected(["warn"], -1);
  main.log.log("error", "core", undefined, "x");
  assertStringIncludes(main.writes[0], `[pid ${Deno.pid}:tid ${Deno.pid}] `);
  const lines: string[] = [];
  const sink = {
    write: (line: string) => void lines.push(line),
    notesTime: false,
    takesNotice: true,
    close() {},
  };
  const log = new ErrorLog({ sink, thresholds: new Thresholds([]), thread: undefined });
  log.log("error", "core", undefined, "x");
  log.close();
  assertStringIncludes(lines[0], `[pid ${Deno.pid}] x`);
});

Deno.test("error log: thresholds per module, down to the sixteenth level", () => {
  using to = collected(["warn", "mpm_event:info", "http:trace3"]);
  to.log.log("info", "core", undefined, "no");
  to.log.log("info", "mpm_event", undefined, "yes 1");
  to.log.log("debug", "mpm_event", undefined, "no");
  to.log.log("trace3", "http", undefined, "yes 2");
  to.log.log("trace4", "http", undefined, "no");
  assertEquals(to.writes.map((line) => line.slice(line.lastIndexOf("]") + 2, -1)), ["yes 1", "yes 2"]);
  assert(to.log.enabled("trace3", "http"));
  assert(!to.log.enabled("trace4", "http"));
});

Deno.test("error log: notice is written even with LogLevel emerg; each level keeps its name", () => {
  using to = collected(["emerg"]);
  for (const level of ["emerg", "alert", "crit", "notice"] as const) {
    to.log.log(level, "core", undefined, "x");
  }
  assertEquals(to.writes.map((line) => /\[core:(\w+)\]/.exec(line)?.[1]), ["emerg", "notice"]);
});

Deno.test("error log: a message of the start has no time, level or process", () => {
  using to = collected(["error"]);
  to.log.logStartup("info", "core", "AH00558", "mpmd: no ServerName");
  assertEquals(to.writes, ["AH00558: mpmd: no ServerName\n"]);
});

Deno.test("error log: two logs do not get each other's messages", () => {
  using one = collected(["warn"]);
  using two = collected(["debug"]);
  one.log.log("error", "core", undefined, "one");
  two.log.log("debug", "core", undefined, "two");
  assertEquals([one.writes.length, two.writes.length], [1, 1]);
  assertStringIncludes(two.writes[0], "two");
});

Deno.test("error log: what others log through LogTape below mpmd comes with the server's thresholds and layout", () => {
  using to = collected(["warn", "app:debug"]);
  getTapeLogger(["mpmd", "app"]).debug("from an application {n}", { n: 1 });
  getTapeLogger(["mpmd", "other"]).info("not seen");
  assertEquals(to.writes.length, 1);
  assertMatch(to.writes[0], /\[app:debug\] \[pid \d+:tid 3\] from an application 1\n$/);
});

Deno.test("error log: an operator's LogTape sink gets the same records, with httpd's level among the properties", () => {
  const records: LogRecord[] = [];
  using to = collected(["warn"]);
  to.log.addSink((record) => records.push(record));
  to.log.log("alert", "core", "AH00049", "x");
  to.log.log("info", "core", undefined, "below the threshold");
  assertEquals(to.writes.length, 1);
  assertEquals(records.length, 1);
  assertEquals(records[0].category, ["mpmd", "core"]);
  assertEquals(records[0].level, "fatal");
  assertEquals(records[0].properties.httpdLevel, "alert");
  assertEquals(records[0].properties.ah, "AH00049");
});

Deno.test("error log: a LogTape configuration of the embedding program stays in force", () => {
  const seen: string[] = [];
  configureSync({
    reset: true,
    sinks: { theirs: (record) => void seen.push(record.category.join(".")) },
    loggers: [
      { category: ["their"], lowestLevel: "debug", sinks: ["theirs"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["theirs"] },
    ],
  });
  try {
    {
      using to = collected(["warn"]);
      getTapeLogger(["their", "part"]).debug("x");
      to.log.log("error", "core", undefined, "ours");
      assertEquals(to.writes.length, 1);
    }
    getTapeLogger(["their", "part"]).debug("x");
    assertEquals(seen, ["their.part", "their.part"]);
    assert(getConfig()?.sinks.theirs !== undefined);
  } finally {
    resetSync();
  }
});

Deno.test("error log: the thresholds of a place hold instead of the host's", () => {
  using to = collected(["error"]);
  to.log.log("trace5", "core", undefined, "yes", {}, new Thresholds(["trace6"]));
  to.log.log("error", "core", undefined, "no", {}, new Thresholds(["crit"]));
  to.log.log("info", "core", undefined, "no");
  assertEquals(to.writes.map((line) => line.slice(line.lastIndexOf("]") + 2, -1)), ["yes"]);
});

Deno.test("error log: syslog takes notices by LogLevel, and no times", () => {
  using to = collected(["emerg"], 3, undefined, { notesTime: true, takesNotice: false });
  to.log.log("notice", "core", undefined, "no");
  to.log.log("emerg", "core", undefined, "yes");
  assertEquals(to.writes, [`[core:emerg] [pid ${Deno.pid}:tid 3] yes\n`]);
});

Deno.test("error log: a connection and a request are introduced once, before their first line", () => {
  using to = collected(["warn"], 3, { format: "%M", connection: ["c %{c}L"], request: ["r %L", "%+{X}i"] });
  to.log.log("error", "core", undefined, "one", { about: ABOUT });
  to.log.log("error", "core", undefined, "two", { about: ABOUT });
  to.log.log("error", "core", undefined, "next", { about: { ...ABOUT, requestId: "s" } });
  to.log.log("error", "core", undefined, "nobody's");
  assertEquals(to.writes.join(""), "c c\nr r\none\ntwo\nr s\nnext\nnobody's\n");
});
