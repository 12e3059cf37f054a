// What does a Web Worker of the pool do with its order? It serves connections in the way that the order says.

import { RelayThread } from "./relay_thread.ts";
import { ServerThread, type ThreadOrder } from "./server_thread.ts";
import { runThread } from "./thread_loops.ts";
import type { ThreadProgram } from "./transport.ts";

/** The worker's end of the channel to the thread that started it. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

/** Serves until the pool ends this thread; what becomes of it is posted: "ready", then "ended" or "lost". */
export async function runWorkerThread(
  order: ThreadOrder,
  program: ThreadProgram,
  scope: WorkerScope,
): Promise<void> {
  const { descriptors } = order;
  const run = descriptors === undefined
    ? startRelay(new RelayThread(order, program, scope))
    : startDescriptors(new ServerThread(order, descriptors, program));
  scope.postMessage("ready");
  try {
    await run();
    program.endOfThread();
    scope.postMessage("ended");
  } catch (error) {
    // A fault of the loop itself: what is left of this thread serves nobody.
    program.onFault(error);
    scope.postMessage("lost");
  }
}

function startRelay(thread: RelayThread): () => Promise<void> {
  return () => thread.run();
}

function startDescriptors(thread: ServerThread): () => Promise<void> {
  return () => runThread(thread);
}
