// How does a server use SIGUSR1, which Deno has taken for itself? Deno opens its inspector on 127.0.0.1:9229 for that signal, and
// whoever on the machine is quick could run code there as this user, be it root. No handler of ours can prevent that; where the signal is
// blocked (inspector_block.ts) it waits until somebody asks for it, elsewhere the inspector is closed at once.

import { isUsr1Blocked, onlyUsr1 } from "./inspector_block.ts";
import { libraryName } from "./posix.ts";
import { closeInspector, onSignals } from "./signals.ts";

const SYMBOLS = {
  sigwait: { parameters: ["buffer", "buffer"], result: "i32", nonblocking: true },
} as const;

/** Calls `handler` for each SIGUSR1. Returns a function that ends it. */
export function onUsr1(handler: () => void): () => void {
  if (!isUsr1Blocked()) {
    return onSignals(["SIGUSR1"], () => {
      closeInspector();
      handler();
    });
  }
  let ended = false;
  const wait = async () => {
    const { sigwait } = Deno.dlopen(libraryName, SYMBOLS).symbols;
    const which = new Uint8Array(4);
    // The call that is left waiting at the end ends with the process.
    while (!ended && await sigwait(onlyUsr1(), which) === 0) if (!ended) handler();
  };
  wait();
  return () => ended = true;
}
