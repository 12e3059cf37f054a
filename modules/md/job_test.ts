import { assert, assertEquals } from "@std/assert";
import { renewAt, windowStart } from "./certificate.ts";
import { Job, retryDelay } from "./job.ts";
import { Store } from "./store.ts";

const DAY = 24 * 3600 * 1000;
const FACTS = {
  notBefore: 0,
  notAfter: 90 * DAY,
  names: ["a.example", "*.b.example"],
  mustStaple: false,
  serial: "",
  fingerprint: "",
};

Deno.test("md: a certificate is renewed when the window is left of its life, or does not fit any more", () => {
  const wanted = { names: ["a.example", "x.b.example"], mustStaple: false, renewWindow: { percent: 33 } };
  assertEquals(renewAt(FACTS, wanted), 90 * DAY * 0.67);
  assertEquals(renewAt(FACTS, { ...wanted, renewWindow: { ms: 10 * DAY } }), 80 * DAY);
  assertEquals(renewAt(FACTS, { ...wanted, names: ["c.example"] }), 0);
  assertEquals(renewAt(FACTS, { ...wanted, names: ["b.example"] }), 0);
  assertEquals(renewAt(FACTS, { ...wanted, mustStaple: true }), 0);
  assertEquals(renewAt(undefined, wanted), 0);
  assertEquals(windowStart(FACTS, { ms: 1000 * DAY }), 0);
});

Deno.test("md: after failures it is waited twice as long each time, up to a day, more or less", () => {
  assertEquals([1, 2, 3].map((errors) => retryDelay(errors, 5000, 0.5)), [5000, 10_000, 20_000]);
  assertEquals(retryDelay(1000, 5000, 0.5), DAY);
  assert(retryDelay(1, 5000, 0) >= 2500 && retryDelay(1, 5000, 0.999) <= 7500);
});

Deno.test("md: a job is what it was when it is read again", () => {
  const root = Deno.makeTempDirSync();
  const store = new Store(root);
  store.prepare();
  const job = new Job("a.example");
  Object.assign(job, { finished: true, errors: 3, nextRun: 1_700_000_000_000, validFrom: 1_700_000_001_000 });
  job.note("finished");
  job.save(store);
  const again = Job.load(store, "a.example");
  assertEquals([again.finished, again.errors, again.nextRun, again.validFrom], [
    true,
    3,
    1_700_000_000_000,
    1_700_000_001_000,
  ]);
  assert(again.latest("finished") > 0);
  assertEquals(again.latest("renewed"), 0);
  Deno.removeSync(root, { recursive: true });
});
