// How does content pass through a program? Written to it as it comes, while what it makes of that is read: neither is kept whole.

import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import { programLimits } from "../../server/core/program_directives.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { Pieces } from "../../server/request/filters/mod.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { type Program, StartError, startFor } from "../cgi/program.ts";
import { programEnvironment } from "../cgi/variables.ts";
import { documentVariables } from "../include/variables.ts";
import { type ExternalFilter, externalOptions } from "./settings.ts";

export { killPrograms } from "../cgi/program.ts";

/** A filter that has not been a filter. */
class FilterError extends Error {
  override readonly name = "FilterError";
}

function environment(exchange: Exchange, context: ThreadContext): ReadonlyMap<string, string> {
  const call = { exchange, bodyLength: undefined, file: exchange.filename, target: "" };
  const variables = programEnvironment(call, context);
  for (const [name, value] of documentVariables(exchange)) variables.set(name, value);
  return variables;
}

/**
 * Starts the program of `filter`; it does not outlive the response. Undefined: it cannot be started, and the place goes without it.
 * @throws FilterError when it cannot be started
 */
export function startFilter(
  filter: ExternalFilter,
  exchange: Exchange,
  context: ThreadContext,
): Program | undefined {
  const { onFail, logsErrors } = exchange.dir.get(externalOptions);
  const [file, ...args] = filter.command;
  const order = {
    file,
    args,
    environment: environment(exchange, context),
    directory: undefined,
    limits: exchange.dir.get(programLimits),
  };
  try {
    const { program } = startFor(exchange, context, order, (line) => {
      if (logsErrors === true) context.log("error", undefined, `${filter.name}: ${line}`, exchange);
    });
    const end = () => program.end();
    exchange.outermost.completed.then(end, end);
    return program;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const log = (ah: string, message: string) =>
      context.log("error", ah, `${error.message}: ${message}`, exchange);
    log("AH01458", `couldn't create child process to run \`${file}'`);
    const verb = onFail === "remove" ? "removing" : "aborting";
    log("AH01467", `can't initialise ${filter.mode} filter ${filter.name}: ${verb}`);
    if (onFail === "remove") return undefined;
    throw new FilterError(`${filter.name} cannot be started`);
  }
}

/** What `program` makes of `pieces`. */
export async function* through(
  program: Program,
  exchange: Exchange,
  pieces: Pieces,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const timeout = exchange.vhost.store.get(coreServer).timeout ?? CORE_DEFAULTS.timeout;
  let failure: unknown;
  const fed = program.feed(pieces).catch((error) => void (failure = error));
  try {
    for (;;) {
      const piece = await program.read(timeout);
      if (piece === "timeout") throw new FilterError(`the program gives nothing within ${timeout} ms`);
      if (piece === "end") break;
      yield piece;
    }
    await fed;
    if (failure !== undefined) throw failure;
  } finally {
    program.end();
  }
}
