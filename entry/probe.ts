// What does the process do in which a program is loaded ahead? It loads the program as a server thread would, says what it found,
// and ends. See program_probe.ts for who starts it.

import { Capture } from "../modules/app/program/capture.ts";
import { idleCron } from "../modules/app/program/cron.ts";
import { captureListening } from "../modules/app/program/listening.ts";
import { FORMS, loadProgram, ProgramError } from "../modules/app/program/load.ts";
import { describeLoadError } from "../server/load_error.ts";
import { PROBE_VARIABLE, type ProbeOrder } from "../server/probe_order.ts";
import type { ProbeResult } from "../server/program_probe.ts";

/** After a program has begun to listen it has this long (ms) to name further addresses. */
const FURTHER_MS = 20;

/** Runs this process as a probe, as its environment says. It ends when the program is loaded. */
export function runProbe(): void {
  const order = JSON.parse(Deno.env.get(PROBE_VARIABLE)!) as ProbeOrder;
  try {
    Deno.env.delete(PROBE_VARIABLE);
  } catch (error) {
    // A program that may not write to the environment sees it.
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  const { url, token } = order;
  try {
    if (Deno.cwd() !== order.cwd) Deno.chdir(order.cwd);
  } catch (error) {
    // What is not to be read there is nothing for the program either.
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  const exit = Deno.exit;
  let said = false;
  const say = (result: ProbeResult): never => {
    if (!said) {
      said = true;
      const bytes = new TextEncoder().encode(`\n${token}${JSON.stringify(result)}`);
      for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    }
    return exit(0);
  };
  const fail = (error: unknown): never =>
    say({ error: error instanceof ProgramError ? error.message : describeLoadError(error, url) });
  // What nobody catches ends a program of `deno run`, and so this one before it serves.
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  // Nothing is left to wait for.
  addEventListener(
    "beforeunload",
    () => fail(new ProgramError(`${url} is loaded and serves nothing: ${FORMS}`)),
  );
  const capture = new Capture(undefined);
  captureListening(capture);
  if (typeof Deno.cron === "function") idleCron();
  loadProgram(order, capture).then(async ({ form, servers }) => {
    if (servers.length > 0) await new Promise((resolve) => setTimeout(resolve, FURTHER_MS));
    say({ form, addresses: servers.map(({ named }) => named) });
  }, fail);
}

// A compiled server has one main module, which calls this where it is to be a probe.
if (!Deno.build.standalone) runProbe();
