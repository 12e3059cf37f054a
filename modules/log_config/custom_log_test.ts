// Do the arguments of CustomLog mean what httpd says?

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ArgumentError } from "../../server/config/mod.ts";
import { COMMON, compileCondition, parseCustomLog, resolveFormat } from "./custom_log.ts";
import { record } from "./test_record.ts";

Deno.test("CustomLog: file, format or nickname, condition", () => {
  assertEquals(parseCustomLog(["logs/a", "combined", "env=!dontlog"]), {
    target: { kind: "file", path: "logs/a" },
    format: "combined",
    condition: { kind: "env", name: "dontlog", negated: true },
  });
  assertEquals(parseCustomLog(["logs/a", "%h", "expr=%{REQUEST_STATUS} >= 400"]).condition, {
    kind: "expr",
    expression: "%{REQUEST_STATUS} >= 400",
  });
  assertEquals(parseCustomLog(["logs/a"]), {
    target: { kind: "file", path: "logs/a" },
    format: undefined,
    condition: undefined,
  });
});

Deno.test("CustomLog: programs, with and without a shell", () => {
  const target = (text: string) => parseCustomLog([text, "common"]).target;
  assertEquals(target("|bin/rotate 1"), { kind: "pipe", command: "bin/rotate 1", shell: false });
  assertEquals(target("||bin/rotate 1"), { kind: "pipe", command: "bin/rotate 1", shell: false });
  assertEquals(target("|$cat >x"), { kind: "pipe", command: "cat >x", shell: true });
});

Deno.test("CustomLog: conditions and targets that are none", () => {
  for (
    const args of [[], [""], ["|", "x"], ["|$ ", "x"], ["a", "b", "if=x"], ["a", "b", "env="], [
      "a",
      "b",
      "env=!",
    ], [
      "a",
      "b",
      "expr=",
    ]]
  ) {
    assertThrows(() => parseCustomLog(args), ArgumentError);
  }
});

Deno.test("CustomLog: env= logs requests that have the variable, env=! those that have not", () => {
  const has = record({}, { env: { nolog: "" } });
  const condition = (text: string) => compileCondition(parseCustomLog(["a", "b", text]).condition!);
  assert(condition("env=nolog")(has) && !condition("env=nolog")(record()));
  assert(!condition("env=!nolog")(has) && condition("env=!nolog")(record()));
  assertThrows(() => condition("expr=true"), ArgumentError, "not supported");
});

Deno.test("LogFormat: common and CLF are built in, and can be defined otherwise; other names are formats", () => {
  const nicknames = new Map([["combined", "%r"], ["common", "%h"]]);
  assertEquals(resolveFormat("CLF", nicknames), COMMON);
  assertEquals(resolveFormat("common", new Map()), COMMON);
  assertEquals(resolveFormat("common", nicknames), "%h");
  assertEquals(resolveFormat("combined", nicknames), "%r");
  assertEquals(resolveFormat("combined", new Map()), "combined");
});
