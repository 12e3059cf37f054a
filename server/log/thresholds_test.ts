// Does LogLevel let through what its arguments say?

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HTTPD_LEVELS, severity } from "./levels.ts";
import { ArgumentError } from "../config/mod.ts";
import { Thresholds } from "./thresholds.ts";

const level = fc.constantFrom(...HTTPD_LEVELS);

Deno.test("LogLevel: a message passes when it is at least as severe as the threshold", () => {
  fc.assert(fc.property(level, level, (threshold, message) => {
    const expected = severity(message) <= severity(threshold);
    assertEquals(new Thresholds([threshold]).allows(message, "core"), expected);
  }));
});

Deno.test("LogLevel: the default is warn", () => {
  const none = new Thresholds([]);
  assert(none.allows("warn", "core"));
  assert(!none.allows("info", "core"));
});

Deno.test("LogLevel: a module's level is for that module, by any of its names", () => {
  for (const name of ["mpm_event", "mpm_event_module", "mod_mpm_event.c", "mpm_event.c"]) {
    const thresholds = new Thresholds(["warn", `${name}:trace2`]);
    assert(thresholds.allows("trace2", "mpm_event"), name);
    assert(!thresholds.allows("trace3", "mpm_event"), name);
    assert(!thresholds.allows("info", "core"), name);
  }
});

Deno.test("LogLevel: a level without module forgets the levels of modules before it", () => {
  const thresholds = new Thresholds(["core:debug", "error"]);
  assert(!thresholds.allows("warn", "core"));
});

Deno.test("LogLevel: levels are read in any case, other words are refused", () => {
  assert(new Thresholds(["INFO"]).allows("info", "core"));
  for (const bad of ["loud", "core:loud", "core:", "trace9", ""]) {
    assertThrows(() => new Thresholds([bad]), ArgumentError, "LogLevel requires level keyword");
  }
});

Deno.test("LogLevel: the most talkative of its thresholds", () => {
  assertEquals(new Thresholds(["error", "core:trace3", "app:info"]).lowest, "trace3");
  assertEquals(new Thresholds([]).lowest, "warn");
});
