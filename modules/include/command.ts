// What does a command say that a page wants carried out (`exec cmd`)? A line for the shell, which has the variables of the page.

import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import { programLimits } from "../../server/core/program_directives.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { type Program, StartError, startFor } from "../cgi/program.ts";
import { programEnvironment } from "../cgi/variables.ts";
import { ElementError } from "./element_error.ts";

const SHELL = "/bin/sh";

/** @throws ElementError */
function started(start: () => Program): Program {
  try {
    return start();
  } catch (error) {
    if (error instanceof StartError) throw new ElementError(`${error.message}: ${SHELL}`, "AH01229");
    throw error;
  }
}

/** The output of `command`, as it comes; where that takes too long, what has come. */
export async function* commandOutput(
  exchange: Exchange,
  context: ThreadContext,
  command: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { filename, dir, vhost } = exchange;
  const call = { exchange, bodyLength: undefined, file: filename, target: "" };
  const order = {
    file: SHELL,
    args: ["-c", command],
    environment: programEnvironment(call, context),
    directory: filename.slice(0, filename.lastIndexOf("/") + 1),
    limits: dir.get(programLimits),
  };
  const complain = (message: string) =>
    context.log("error", "AH01215", `stderr from ${filename}: ${message}`, exchange);
  const program = started(() => startFor(exchange, context, order, complain).program);
  const timeout = vhost.store.get(coreServer).timeout ?? CORE_DEFAULTS.timeout;
  try {
    await program.feed(undefined);
    for (;;) {
      const piece = await program.read(timeout);
      if (piece === "end") return;
      if (piece === "timeout") return complain(`no output within ${timeout} ms: ${command}`);
      yield piece;
    }
  } finally {
    program.end();
  }
}
