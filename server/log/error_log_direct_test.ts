// Does the error log write what passes where LogTape is not loaded, and through it from when it is?

import { assertEquals, assertMatch } from "@std/assert";
import { ErrorLog } from "./error_log.ts";
import { tapeLink } from "./tape_link.ts";
import { Thresholds } from "./thresholds.ts";

Deno.test("error log: without LogTape it writes for itself; when that is loaded later, through it", async () => {
  const writes: string[] = [];
  const sink = {
    write: (line: string) => void writes.push(line),
    notesTime: false,
    takesNotice: true,
    close() {},
  };
  const log = new ErrorLog({ sink, thresholds: new Thresholds(["warn"]), thread: 3 });
  assertEquals(tapeLink(), undefined);
  log.log("error", "core", "AH00042", "first");
  log.log("info", "core", undefined, "no");
  log.logStartup("info", "core", undefined, "start");
  assertEquals(writes.length, 2);
  assertMatch(writes[0], /^\[.*\d{4}\] \[core:error\] \[pid \d+:tid 3\] AH00042: first$/);
  assertEquals(writes[1], "start");

  const { getLogger } = await import("@std/log");
  log.log("error", "core", "AH00042", "second");
  getLogger("app").error("of an application");
  assertEquals(writes.length, 4);
  assertMatch(writes[2], /^\[.*\d{4}\] \[core:error\] \[pid \d+:tid 3\] AH00042: second$/);
  assertMatch(writes[3], /\[app:error\] .*of an application$/);
  log.close();
});
