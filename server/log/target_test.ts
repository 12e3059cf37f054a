// Is a log's target read as ErrorLog and CustomLog mean it?

import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { ArgumentError } from "../config/mod.ts";
import { parseErrorTarget, parseTarget, programWords, targetKey } from "./target.ts";

const ROOT = Deno.build.os === "windows" ? "C:\\srv" : "/srv";

Deno.test("target: files are below ServerRoot; the standard streams are none", () => {
  assertEquals(parseTarget("logs/a b", ROOT), { kind: "file", path: join(ROOT, "logs/a b") });
  assertEquals(parseTarget(join(ROOT, "x"), "/other"), { kind: "file", path: join(ROOT, "x") });
  assertEquals(parseTarget("/dev/stdout", ROOT), { kind: "standard", stream: "output" });
  assertEquals(parseTarget("/dev/stderr", ROOT), { kind: "standard", stream: "error" });
});

Deno.test("target: programs, with and without a shell; two ways to write one are one log", () => {
  const program = (command: string, shell: boolean) => ({ kind: "program" as const, command, shell });
  assertEquals(parseTarget("|bin/rotate 1", ROOT), program("bin/rotate 1", false));
  assertEquals(parseTarget("||bin/rotate 1", ROOT), program("bin/rotate 1", false));
  assertEquals(parseTarget("|$cat >x", ROOT), program("cat >x", true));
  const keys = ["|a", "||a", "| a", "|$a"].map((text) => targetKey(parseTarget(text, ROOT)));
  assertEquals(keys, ["|a", "|a", "|a", "|$a"]);
});

Deno.test("target: the words of a program without a shell", () => {
  assertEquals(programWords(` a  "b c" d'e "f'g\\ h "" \\"`), ["a", "b c", `de "fg h`, "", '"']);
  assertEquals(programWords(String.raw`C:\bin\x "a\"b\\c"`), ["C:\\bin\\x", 'a"b\\c']);
  for (const bad of ['a "b', "'"]) assertThrows(() => programWords(bad), ArgumentError);
});

Deno.test("target: files that rotate, by time, size or both", () => {
  const rotating = (pattern: string, interval: number | undefined, bytes: number | undefined) => ({
    kind: "rotating" as const,
    pattern: join(ROOT, pattern),
    interval,
    bytes,
  });
  assertEquals(parseTarget("rotate:logs/a.%F 86400", ROOT), rotating("logs/a.%F", 86_400, undefined));
  assertEquals(parseTarget("rotate:logs/a 5M", ROOT), rotating("logs/a", undefined, 5 * 1024 ** 2));
  assertEquals(parseTarget("rotate:a 1G 60", ROOT), rotating("a", 60, 1024 ** 3));
});

Deno.test("target: syslog with facility and tag", () => {
  const syslog = (facility: string, tag: string) => ({ kind: "syslog", facility, tag });
  assertEquals<unknown>(parseErrorTarget("syslog", ROOT), syslog("local7", "mpmd"));
  assertEquals<unknown>(parseErrorTarget("syslog:user", ROOT), syslog("user", "mpmd"));
  assertEquals<unknown>(parseErrorTarget("syslog:Daemon:web:1", ROOT), syslog("daemon", "web:1"));
  assertEquals<unknown>(parseErrorTarget("syslog::web", ROOT), syslog("local7", "web"));
  assertThrows(() => parseErrorTarget("syslog:loud", ROOT), ArgumentError, 'no facility "loud"');
  assertEquals(parseErrorTarget("syslog.txt", ROOT), { kind: "file", path: join(ROOT, "syslog.txt") });
});

Deno.test("target: what is none", () => {
  const bad = [
    "",
    "|",
    "||",
    "|$ ",
    '|a "b',
    "rotate:",
    "rotate:a",
    "rotate:a 0",
    "rotate:a 1 2",
    "rotate:a 1M 2K",
  ];
  for (const text of [...bad, "rotate:a 1X", "rotate:a 1 2M 3", "rotate:a.%F 1M"]) {
    assertThrows(() => parseTarget(text, ROOT), ArgumentError);
  }
});
