// Is one and only one MPM chosen, and is every refusal told with its reason?

import { assertEquals, assertThrows } from "@std/assert";
import type { Capabilities } from "../platform/detect.ts";
import { chooseMpm, findMpm, MpmError } from "./registry.ts";
import type { MpmName } from "./types.ts";

function capabilities(missing: readonly string[] = []): Capabilities {
  const names = ["descriptor passing", "subprocesses", "web workers", "unix signals", "users"];
  const found = names.map((name) => [name, { available: !missing.includes(name), reason: `${name}: tried` }]);
  return Object.fromEntries(found) as Capabilities;
}

const LINUX = { name: "event", reason: "Linux has epoll" } as const;

Deno.test("registry: names, module identifiers and source names find the same MPM", () => {
  const names: Readonly<Record<MpmName, readonly string[]>> = {
    prefork: ["prefork", "mpm_prefork_module", "prefork.c"],
    worker: ["worker", "mpm_worker_module", "worker.c"],
    event: ["event", "mpm_event_module", "event.c"],
    mpm_winnt: ["mpm_winnt", "winnt", "mpm_winnt_module", "mpm_winnt.c"],
    mpm_netware: ["mpm_netware", "netware", "mpm_netware_module", "mpm_netware.c"],
    mpmt_os2: ["mpmt_os2", "os2", "mpm_mpmt_os2_module", "mpmt_os2.c"],
  };
  for (const [mpm, known] of Object.entries(names)) {
    for (const name of known) assertEquals(findMpm(name)?.name, mpm as MpmName, name);
  }
  assertEquals(findMpm("motorz"), undefined);
});

Deno.test("registry: nothing named gives the platform's default, with its reason", () => {
  const { mpm, reason } = chooseMpm([], LINUX, capabilities());
  assertEquals([mpm.name, reason], ["event", "default: Linux has epoll"]);
  const mac = chooseMpm([], { name: "worker", reason: "a Unix with threads" }, capabilities());
  assertEquals([mac.mpm.name, mac.reason], ["worker", "default: a Unix with threads"]);
});

Deno.test("registry: one MPM named twice is one, two are an error", () => {
  const named = [{ name: "mpm_event_module", by: "LoadModule" }, { name: "event", by: "--mpm event" }];
  assertEquals(chooseMpm(named, LINUX, capabilities()).reason, "LoadModule");
  const two = [...named, { name: "mpm_worker_module", by: "LoadModule" }];
  assertThrows(
    () => chooseMpm(two, LINUX, capabilities()),
    MpmError,
    "AH00534: Configuration error: More than one MPM loaded.",
  );
});

Deno.test("registry: a missing capability is named, with the MPMs that would work", () => {
  assertThrows(
    () => chooseMpm([], LINUX, capabilities(["descriptor passing"])),
    MpmError,
    "needs descriptor passing (descriptor passing: tried); MPMs that work here: mpm_winnt, mpm_netware",
  );
});
