// Does the timer wheel fire each entry once, never early, whatever is set and cleared while it fires?

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TimerWheel, type WheelEntry } from "./timer_wheel.ts";

function entry(): WheelEntry {
  return { due: 0, wheelSlot: -1, wheelNext: undefined, wheelPrevious: undefined };
}

Deno.test("timer wheel: an entry fires once, not before it is due and at most one resolution late", () => {
  fc.assert(fc.property(
    fc.array(fc.record({ due: fc.integer({ min: 1, max: 200_000 }), clear: fc.boolean() }), {
      maxLength: 60,
    }),
    fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 30 }),
    (timers, steps) => {
      const wheel = new TimerWheel(0, 100);
      const fired = new Map<WheelEntry, number>();
      const set = timers.map(({ due, clear }) => {
        const e = entry();
        wheel.set(e, due);
        return { e, due, clear };
      });
      for (const { e, clear } of set) if (clear) wheel.clear(e);
      let now = 0;
      for (const step of steps) {
        now += step;
        wheel.advance(now, (e) => {
          assert(!fired.has(e), "fired twice");
          fired.set(e, now);
        });
      }
      for (const { e, due, clear } of set) {
        if (clear) assert(!fired.has(e));
        else if (due <= now - 100) assert(fired.has(e), `due ${due}, now ${now}`);
        if (fired.has(e)) assert(fired.get(e)! >= due, "early");
      }
      assertEquals(wheel.size, set.filter(({ e, clear }) => !clear && !fired.has(e)).length);
    },
  ));
});

Deno.test("timer wheel: what fires may clear its neighbours and set itself again", () => {
  const wheel = new TimerWheel(0, 100);
  const entries = Array.from({ length: 5 }, entry);
  for (const e of entries) wheel.set(e, 500);
  const fired: number[] = [];
  wheel.advance(700, (e) => {
    const at = entries.indexOf(e);
    fired.push(at);
    wheel.clear(entries[(at + 4) % 5]);
    wheel.set(e, 900);
  });
  assert(fired.length >= 2 && fired.length < 5);
  const again: number[] = [];
  wheel.advance(1100, (e) => again.push(entries.indexOf(e)));
  for (const at of again) assert(fired.includes(at));
  assertEquals(wheel.size, 0);
});
