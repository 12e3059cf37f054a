// Do logs keep their descriptors over restarts, and go to the file that has the name?

import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import * as posix from "../../platform/posix.ts";
import { LogError } from "../request/module.ts";
import { InheritedLogs, logOutput } from "./log_file.ts";

const ignore = Deno.build.os === "windows"; // descriptors are not inherited there
const bytes = (text: string) => new TextEncoder().encode(text);

async function inDirectory(test: (path: (name: string) => string) => void): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    test((name) => join(root, name));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test(
  { name: "logs: after a rename the same descriptor writes to the new file", ignore },
  () =>
    inDirectory((path) => {
      const logs = new InheritedLogs(!ignore);
      logs.open(path("new/log"), "no log");
      const before = logs.descriptors;
      logOutput(path("new/log"), before)(bytes("one\n"));
      Deno.renameSync(path("new/log"), path("new/log.1"));
      logs.begin();
      logs.open(path("new/log"), "no log");
      logs.closeOthers();
      assertEquals(logs.descriptors, before);
      logOutput(path("new/log"), before)(bytes("two\n"));
      assertEquals(Deno.readTextFileSync(path("new/log.1")), "one\n");
      assertEquals(Deno.readTextFileSync(path("new/log")), "two\n");
      logs.begin();
      logs.closeOthers();
    }),
);

Deno.test({
  name: "logs: one that is no longer named stays open until the other configuration is in force",
  ignore,
}, () =>
  inDirectory((path) => {
    const logs = new InheritedLogs(!ignore);
    logs.open(path("a"), "no log");
    const old = logOutput(path("a"), logs.descriptors);
    logs.begin();
    logs.open(path("b"), "no log");
    assertNotEquals(logs.descriptors[path("a")], logs.descriptors[path("b")]);
    old(bytes("still\n"));
    logs.closeOthers();
    assertEquals(Object.keys(logs.descriptors), ["/dev/stdout", "/dev/stderr", path("b")]);
    assertThrows(() => old(bytes("gone\n")), posix.SystemError, "Bad file descriptor");
    assertEquals(Deno.readTextFileSync(path("a")), "still\n");
    logs.begin();
    logs.closeOthers();
  }));

Deno.test("logs: one that cannot be opened is told with the complaint and its path", () =>
  inDirectory((path) => {
    Deno.mkdirSync(path("directory"));
    const error = assertThrows(
      () => new InheritedLogs(!ignore).open(path("directory"), "AH00091: no log"),
      LogError,
    );
    assertEquals(error.message.startsWith(`AH00091: no log ${path("directory")}: `), true);
  }));
