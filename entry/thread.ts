// What runs in a server thread? The file that a child's Web Workers load: the request service with its modules and the connection
// engine, on the loop of an MPM.

import { MODULES } from "../modules/mod.ts";
import { setClock } from "../mpm/shared/connection_table.ts";
import { runWorkerThread, type WorkerScope } from "../mpm/thread_side.ts";
import { loadPoller } from "../platform/poller.ts";
import { openLibc } from "../platform/posix.ts";
import { setModules } from "../server/modules.ts";
import { createProgram, type ProgramOrder } from "../server/program.ts";

const worker = self as unknown as WorkerScope;
setModules(MODULES);

worker.onmessage = async ({ data }) => {
  worker.onmessage = null;
  const order = data as ProgramOrder;
  // At once: what is loaded next may take seconds.
  setClock(order.clock);
  if (order.descriptors !== undefined) {
    openLibc();
    loadPoller();
  }
  await runWorkerThread(order, () => createProgram(order), worker);
};
