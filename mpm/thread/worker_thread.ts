// What does a Web Worker of the pool do with its order? It serves connections in the way that the order says.

import { RelayThread } from "../relay/relay_thread.ts";
import { watchHeap } from "../shared/heap_watch.ts";
import { ServerThread, type ThreadOrder } from "./server_thread.ts";
import { runThread } from "./thread_loops.ts";
import type { ThreadProgram } from "../shared/transport.ts";

/** The worker's end of the channel to the thread that started it, and its own end. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  close(): void;
  addEventListener(type: "unload", listener: () => void): void;
}

/** A thread's part of its life. */
interface Served {
  /** Serves until the thread retires, or abandonAll() has been called. */
  run(): Promise<void>;
  /** Whatever it has in hand ends; it takes nothing any more. */
  abandonAll(): void;
}

/**
 * Serves until the pool ends this thread; what becomes of it is posted: "ready", then "ended" or "lost". Meanwhile `{ heapUsed }` (bytes)
 * when its heap has been above `maxHeap` for some time.
 */
export async function runWorkerThread(
  order: ThreadOrder,
  create: () => Promise<ThreadProgram>,
  scope: WorkerScope,
): Promise<void> {
  let served: Served | undefined = undefined;
  const close = scope.close.bind(scope);
  let over = false;
  // Nobody else can know when this thread touches its connections no more: it ends them itself, before it says so.
  const lose = () => {
    if (over) return;
    over = true;
    served?.abandonAll();
    scope.postMessage("lost");
  };
  // An application can end the thread that it runs in, of which the pool would hear nothing: by close(), or by Deno.exit().
  scope.close = () => {
    lose();
    close();
  };
  scope.addEventListener("unload", lose);
  const program = await create();
  served = begin(order, program, scope);
  scope.postMessage("ready");
  watchHeap(order.maxHeap, (used) => scope.postMessage({ heapUsed: used }));
  try {
    await served.run();
    if (over) return;
    over = true;
    program.endOfThread();
    scope.postMessage("ended");
  } catch (error) {
    // A fault of the loop itself: what is left of this thread serves nobody.
    program.onFault(error);
    scope.close();
  }
}

function begin(order: ThreadOrder, program: ThreadProgram, scope: WorkerScope): Served {
  const { descriptors } = order;
  if (descriptors === undefined) return new RelayThread(order, program, scope);
  const thread = new ServerThread(order, descriptors, program);
  return { run: () => runThread(thread), abandonAll: () => thread.abandonAll() };
}
