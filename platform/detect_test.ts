// Does every platform get its default MPM, and every capability a reason?

import { assert, assertEquals } from "@std/assert";
import { defaultMpm, probe, system } from "./detect.ts";

Deno.test("the default MPM is event on Linux, worker on other Unix, mpm_winnt on Windows", () => {
  assertEquals(defaultMpm("linux").name, "event");
  assertEquals(defaultMpm("darwin").name, "worker");
  assertEquals(defaultMpm("unix").name, "worker");
  assertEquals(defaultMpm("windows").name, "mpm_winnt");
});

Deno.test("every capability comes with its reason; Unix signals are there unless this is Windows", async () => {
  const capabilities = await probe();
  for (const [name, { reason }] of Object.entries(capabilities)) assert(reason.length > 5, name);
  assertEquals(capabilities["unix signals"].available, system !== "windows");
});
