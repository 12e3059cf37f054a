// What runs in a server thread? The module that a child's Web Workers load: the request service and the connection engine on
// the loop of an MPM.

import { openLibc } from "../platform/posix.ts";
import { setClock } from "../mpm/connection_table.ts";
import { ServerThread, type ThreadOrder } from "../mpm/server_thread.ts";
import { HttpConnection } from "./http/engine/connection.ts";
import { createService, type ProgramData } from "./program.ts";

const worker = self as unknown as {
  onmessage: ((event: MessageEvent<ThreadOrder & { readonly program: ProgramData }>) => void) | null;
  postMessage(message: unknown): void;
};

worker.onmessage = async ({ data: order }) => {
  worker.onmessage = null;
  // At once: what is loaded next may take seconds.
  setClock(order.clock);
  openLibc();
  const { service, usesEventLoop, onUncaught } = await createService(order.program, order);
  // A promise that an application forgot to handle concerns that application: the other requests of this thread go on.
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    onUncaught(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    onUncaught(event.error);
  });
  const thread = new ServerThread(order, {
    createHandler: () => new HttpConnection(service),
    usesEventLoop,
    onFault: onUncaught,
    endOfBatch: () => service.endOfBatch(),
  });
  worker.postMessage("ready");
  // The loop ends only by a fault of its own; what is left of this thread serves nobody.
  await thread.run().catch((error) => {
    onUncaught(error);
    worker.postMessage("lost");
  });
};
