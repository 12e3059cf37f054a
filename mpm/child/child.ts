// What does a child process do? It takes its order from the control process, serves until it is told to end, has served its
// share, or finds the control process gone.

import * as posix from "../../platform/posix.ts";
import { mapShared } from "../../platform/shared_memory.ts";
import { forbidTracing } from "../../platform/privileges.ts";
import { closeInspector, ignoreSignals, onSignals } from "../../platform/signals.ts";
import {
  CHILD_VARIABLE,
  ChildExit,
  type ChildOrder,
  type Remaining,
  type ServingOrder,
} from "../shared/child_order.ts";
import {
  connectControl,
  type ControlAddress,
  type ControlChannel,
  type ControlMessage,
} from "../control/control_channel.ts";
import { ProcessServing } from "./process_serving.ts";
import { RelayChild } from "../relay/relay_child.ts";
import type { Serving, ServingEvents, ThreadModule } from "./serving.ts";
import { ThreadedServing } from "./threaded_serving.ts";

/** An orphan finishes what it has in hand, but no longer than this (ms). */
const ORPHAN_MS = 5000;

/** True when this process was started as a child. */
export function isChild(): boolean {
  return Deno.env.has(CHILD_VARIABLE);
}

/** Runs this process as a child and ends it. `module` is what its server threads run. */
export async function runChild(module: ThreadModule): Promise<never> {
  const address = JSON.parse(Deno.env.get(CHILD_VARIABLE)!) as ControlAddress;
  // Whatever a handler starts must not take itself for a child.
  Deno.env.delete(CHILD_VARIABLE);
  // Signals of a terminal reach the whole process group; what they mean is for the control process to say.
  ignoreSignals(["SIGINT", "SIGHUP"]);
  onSignals(["SIGUSR1"], closeInspector);
  const channel = await connectControl(address);
  const messages = channel.messages();
  const first = await messages.next();
  if (first.done) Deno.exit(ChildExit.Init);
  const serving = begin(first.value as unknown as ChildOrder, channel, module);
  follow(serving, messages);
  await serving.serve();
  await channel.flushed();
  Deno.exit(serving.exitCode);
}

function begin(order: ChildOrder, channel: ControlChannel, module: ThreadModule): Serving {
  const events: ServingEvents = {
    onReady: () => channel.send({ type: "ready" }),
    onEnding: (reason) => channel.send({ type: "ending", reason }),
    onExhausted: () => channel.send({ type: "exhausted" }),
    onFailed: () => channel.flushed().then(() => Deno.exit(ChildExit.ChildInit)),
    log: (level, ah, message) => channel.send({ type: "log", level, ah, message }),
  };
  if (order.scoreboard === undefined) return new RelayChild(order, module, events);
  posix.openLibc();
  // What was inherited is for this process, not for the programs that a handler starts.
  posix.closeAllOnExec();
  if (order.sealed) forbidTracing();
  const { fd, size, shape } = order.scoreboard;
  const address = mapShared(fd, size);
  // Whoever has the descriptor can make the file shorter, and with it the memory of the control process.
  posix.close(fd);
  const parts = { scoreboard: { address, size, shape }, module, events };
  return order.model === "process" ? new ProcessServing(order, parts) : new ThreadedServing(order, parts);
}

/** Carries out what the control process says. */
async function follow(serving: Serving, messages: AsyncGenerator<ControlMessage>): Promise<void> {
  for await (const message of messages) {
    if (message.type === "stop") Deno.exit(ChildExit.Ok);
    if (message.type === "graceful") serving.endGracefully(message.remaining as Remaining);
    if (message.type === "renew" && serving instanceof RelayChild) {
      serving.renew(message.order as ServingOrder);
    }
  }
  // The control process is gone, however it went. What is in hand is finished; nobody would supervise more.
  serving.endGracefully();
  setTimeout(() => Deno.exit(ChildExit.Ok), ORPHAN_MS);
}
