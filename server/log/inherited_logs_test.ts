// Do logs keep their descriptors over restarts, and go to the file that has the name?

import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { LogError } from "../request/module.ts";
import { InheritedLogs, type OpenedLogs } from "./inherited_logs.ts";
import { openLogOutput } from "./log_output.ts";
import type { OutputTarget } from "./target.ts";

const ignore = Deno.build.os === "windows"; // descriptors are not inherited there
const bytes = (text: string) => new TextEncoder().encode(text);

const file = (path: string): OutputTarget => ({ kind: "file", path });

function inherited(root: string): InheritedLogs {
  const onProblem = (_: string, message: string) => {
    throw new Error(message);
  };
  return new InheritedLogs({ inherited: !ignore, serverRoot: root, background: false, onProblem });
}

/** What a thread writes with. */
function logOutput(path: string, opened: OpenedLogs): (bytes: Uint8Array<ArrayBuffer>) => number {
  const onProblem = (message: string) => {
    throw new Error(message);
  };
  const output = openLogOutput(file(path), opened, onProblem);
  return (part) => output.write(part, part.length);
}

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
      const logs = inherited(path("."));
      logs.open(file(path("new/log")), "no log");
      const before = logs.opened;
      logOutput(path("new/log"), before)(bytes("one\n"));
      Deno.renameSync(path("new/log"), path("new/log.1"));
      logs.begin(file(path("errors")), undefined);
      logs.open(file(path("new/log")), "no log");
      logs.closeOthers();
      assertEquals(logs.opened, before);
      logOutput(path("new/log"), before)(bytes("two\n"));
      assertEquals(Deno.readTextFileSync(path("new/log.1")), "one\n");
      assertEquals(Deno.readTextFileSync(path("new/log")), "two\n");
      logs.begin(file(path("errors")), undefined);
      logs.closeOthers();
    }),
);

Deno.test({
  name: "logs: one that is no longer named stays open until the other configuration is in force",
  ignore,
}, () =>
  inDirectory((path) => {
    const logs = inherited(path("."));
    logs.open(file(path("a")), "no log");
    const old = logOutput(path("a"), logs.opened);
    logs.begin(file(path("errors")), undefined);
    logs.open(file(path("b")), "no log");
    const { descriptors } = logs.opened;
    assertNotEquals(descriptors[path("a")], descriptors[path("b")]);
    old(bytes("still\n"));
    logs.closeOthers();
    // A thread that still finishes a request must not write to whoever has the number next.
    old(bytes("gone\n"));
    assertEquals(Deno.readTextFileSync(path("a")), "still\n");
    logs.begin(file(path("errors")), undefined);
    logs.closeOthers();
  }));

Deno.test("logs: one that cannot be opened is told with the complaint and its path", () =>
  inDirectory((path) => {
    Deno.writeTextFileSync(path("file"), "");
    const missing = path("file/log");
    const error = assertThrows(
      () => inherited(path(".")).open(file(missing), "AH00091: no log"),
      LogError,
    );
    assertEquals(error.message.startsWith(`AH00091: no log ${missing}: `), true);
  }));
