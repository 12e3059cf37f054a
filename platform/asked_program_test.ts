// Does a program that is asked line by line answer, die and hang as it should?

import { assertEquals, assertThrows } from "@std/assert";
import { AskedProgram } from "./asked_program.ts";
import { SystemError } from "./posix.ts";

const ignore = Deno.build.os === "windows";
const sh = (script: string) => new AskedProgram(["/bin/sh", "-c", script], { NAME: "value" });

Deno.test(
  { name: "asked program: a line for each line, its environment, what it says in pieces", ignore },
  () => {
    const program = sh('while read -r line; do printf "$NAME "; echo "[$line]"; done');
    assertEquals(program.ask("a b", 5000), { answer: "value [a b]" });
    assertEquals(program.ask("\u00e9\\", 5000), { answer: "value [\u00e9\\]" });
    program.close();
  },
);

Deno.test({ name: "asked program: one that ends, one that is silent, one that is not there", ignore }, () => {
  const ended = sh("exit 0");
  assertEquals(ended.ask("a", 5000), "ended");
  ended.close();
  const silent = sh("trap '' TERM; while :; do read -r line; done");
  assertEquals(silent.ask("a", 50), "late");
  silent.close();
  assertThrows(() => new AskedProgram(["/nowhere/program"], {}), SystemError, "No such file or directory");
});
