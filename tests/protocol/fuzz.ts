// Do the properties of the parser hold for many inputs? `deno task fuzz [-- --seed N --count N]` (N inputs
// for each property).

import { parseArgs } from "@std/cli";
import { PROPERTIES } from "./properties.ts";

const DEFAULT_COUNT = 20_000;

/** A number of the command line, or what stands in for it; ends the program if it is none. */
function numberOf(name: string, text: unknown, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`fuzz: --${name} takes a whole number, not ${JSON.stringify(text)}`);
  Deno.exit(2);
}

const args = parseArgs(Deno.args.filter((arg) => arg !== "--"), { string: ["seed", "count"] });
const seed = numberOf("seed", args.seed, crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);
const numRuns = numberOf("count", args.count, DEFAULT_COUNT);
console.log(`seed ${seed}, ${numRuns} inputs for each property`);

let failures = 0;
for (const [name, check] of Object.entries(PROPERTIES)) {
  const report = check({ seed, numRuns });
  console.log(`${report === undefined ? "ok    " : "FAILED"} ${name}`);
  if (report !== undefined) {
    failures++;
    console.log(report);
  }
}
Deno.exit(failures === 0 ? 0 : 1);
