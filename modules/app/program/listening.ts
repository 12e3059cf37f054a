// By which ways can a program begin to listen? All those that are captured, at one place, for server threads and probes alike.

import type { Capture } from "./capture.ts";
import { captureDenoServe } from "./deno_serve.ts";
import { captureNodeHttp } from "./node_http.ts";

/** From now on whatever listens for HTTP in this thread starts servers of `capture`. */
export function captureListening(capture: Capture): void {
  captureDenoServe(capture);
  captureNodeHttp(capture);
}
