// deno task load [--seconds N] [--mpm NAME] [--seed N]: many clients whose every answer is checked, under each MPM and either transport, with a graceful
// restart now and then. Prints what was asked and what was wrong; exit code 1 when anything was.

import { parseArgs } from "@std/cli";
import { MODELS } from "../system/models.ts";
import { http2LoadOn, loadOn, nameOf, startLoadServer } from "./server.ts";

const args = parseArgs(Deno.args, {
  string: ["seconds", "mpm", "seed"],
  default: { seconds: "60", mpm: "", seed: "1" },
});
const [seconds, mpm, seed] = [Number(args.seconds), String(args.mpm), Number(args.seed)];
const models = MODELS.filter((model) => nameOf(model).startsWith(mpm));
if (models.length === 0) throw new Error(`no MPM ${mpm}; there are ${MODELS.map(nameOf).join("; ")}`);

/** How clients behave, one way after the other. */
const WAYS = [
  { name: "keep-alive" },
  { name: "closing", close: 0.3 },
  { name: "pipelined", pipeline: 6, close: 0.02, abort: 0.02 },
  { name: "HTTP/2", http2: true, streams: 20, abort: 0.02, close: 0.01 },
  { name: "restarting", pipeline: 3, close: 0.05, mayClose: true },
  { name: "HTTP/2, restarting", http2: true, streams: 8, mayClose: true },
];

let wrong = false;
for (const model of models) {
  await using server = await startLoadServer(model);
  for (const [i, { name, http2, ...options }] of WAYS.entries()) {
    const load = (http2 === true ? http2LoadOn : loadOn)(server, seed * 100 + i, options);
    const end = performance.now() + seconds * 1000 / WAYS.length;
    for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, 5000)));
      if (options.mayClose) await server.restartGracefully();
    }
    const report = await load.stop();
    console.log(
      `${nameOf(model)}, ${name}: ${report.answers} answers, ${report.bytes >> 20} MiB, ` +
        `${report.aborted} went away, ${report.closed} asked again, ${
          report.wrong.size === 0 ? "none wrong" : "WRONG"
        }`,
    );
    for (const [what, { count, example }] of report.wrong) {
      console.log(`  ${count} x ${what}\n    ${example}`);
    }
    wrong ||= report.wrong.size > 0;
  }
}
Deno.exit(wrong ? 1 : 0);
