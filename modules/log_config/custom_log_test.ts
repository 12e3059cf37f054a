// Do the arguments of CustomLog mean what httpd says?

import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { testSubject } from "../../server/config/expression/test_subject.ts";
import { ArgumentError } from "../../server/config/mod.ts";
import { COMMON, compileCondition, parseCustomLog as parse, resolveFormat } from "./custom_log.ts";
import { record } from "./test_record.ts";

const ROOT = Deno.build.os === "windows" ? "C:\\srv" : "/srv";
const parseCustomLog = (args: readonly string[]) => parse(args, ROOT);
/** No expression of these tests looks at the request. */
const noSubject = () => {
  throw new Error("nobody asks");
};

Deno.test("CustomLog: file, format or nickname, condition", () => {
  assertEquals(parseCustomLog(["logs/a", "combined", "env=!dontlog"]), {
    target: { kind: "file", path: join(ROOT, "logs/a") },
    format: "combined",
    condition: { kind: "env", name: "dontlog", negated: true },
  });
  assertEquals(parseCustomLog(["logs/a", "%h", "expr=%{REQUEST_STATUS} >= 400"]).condition?.kind, "expr");
  assertEquals(parseCustomLog(["logs/a"]), {
    target: { kind: "file", path: join(ROOT, "logs/a") },
    format: undefined,
    condition: undefined,
  });
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
    ], ["a", "b", "expr=%{"]]
  ) {
    assertThrows(() => parseCustomLog(args), ArgumentError);
  }
});

Deno.test("CustomLog: env= logs requests that have the variable, env=! those that have not", () => {
  const has = record({}, { env: { nolog: "" } });
  const condition = (text: string) =>
    compileCondition(parseCustomLog(["a", "b", text]).condition!, noSubject);
  assert(condition("env=nolog")(has) && !condition("env=nolog")(record()));
  assert(!condition("env=!nolog")(has) && condition("env=!nolog")(record()));
});

Deno.test("CustomLog: expr= logs the requests for which the expression is true", () => {
  const condition = (text: string) =>
    compileCondition(
      parseCustomLog(["a", "b", `expr=${text}`]).condition!,
      () => testSubject({ variable: () => "404" }),
    )(record());
  assert(condition("%{REQUEST_STATUS} -ge 400"));
  assert(!condition("%{REQUEST_STATUS} -ge 500"));
});

Deno.test("LogFormat: common and CLF are built in, and can be defined otherwise; other names are formats", () => {
  const nicknames = new Map([["combined", "%r"], ["common", "%h"]]);
  assertEquals(resolveFormat("CLF", nicknames), COMMON);
  assertEquals(resolveFormat("common", new Map()), COMMON);
  assertEquals(resolveFormat("common", nicknames), "%h");
  assertEquals(resolveFormat("combined", nicknames), "%r");
  assertEquals(resolveFormat("combined", new Map()), "combined");
});
