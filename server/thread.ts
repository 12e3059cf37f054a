// What runs in a server thread? The module that a child's Web Workers load: the request service and the connection engine on
// the loop of an MPM.

import { openLibc } from "../platform/posix.ts";
import { setClock } from "../mpm/connection_table.ts";
import { runThread, ServerThread } from "../mpm/mod.ts";
import { createProgram, type ProgramOrder } from "./program.ts";

const worker = self as unknown as {
  onmessage: ((event: MessageEvent<ProgramOrder>) => void) | null;
  postMessage(message: unknown): void;
};

worker.onmessage = async ({ data: order }) => {
  worker.onmessage = null;
  // At once: what is loaded next may take seconds.
  setClock(order.clock);
  openLibc();
  const program = await createProgram(order);
  const thread = new ServerThread(order, program);
  worker.postMessage("ready");
  try {
    await runThread(thread);
    worker.postMessage("ended");
  } catch (error) {
    // A fault of the loop itself: what is left of this thread serves nobody.
    program.onFault(error);
    worker.postMessage("lost");
  }
};
