// How does the server get into the background? -k start runs it once more, detached, and waits until it serves or has said why it
// cannot: the daemon keeps the pipe to its starter open just as long.

import * as posix from "../platform/posix.ts";
import type { OpenedLogs } from "./log/inherited_logs.ts";
import { type LogTarget, targetKey } from "./log/target.ts";
import { DAEMON_VARIABLE } from "./process_kind.ts";
import { writeAll, type WriteLine } from "./log/sinks.ts";

/** What a daemon says last to its starter. */
const READY = "\0ready\n";

/**
 * Starts the server in the background with the same arguments; returns 0 once it serves, its exit code if it ends before that.
 * `say` takes what it says meanwhile.
 */
export async function startDaemon(
  entry: string,
  args: readonly string[],
  say: (text: string) => void,
): Promise<number> {
  const command = new Deno.Command(Deno.execPath(), {
    args: Deno.build.standalone ? [...args] : ["run", "--allow-all", "--no-prompt", entry, ...args],
    env: { [DAEMON_VARIABLE]: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    detached: true,
  });
  const process = command.spawn();
  let said = "";
  for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes(READY)) break;
  }
  const [text] = said.split(READY, 1);
  if (text.trim() !== "") say(text.trimEnd());
  if (text === said) return (await process.status).code || 1;
  process.unref();
  return 0;
}

/** The daemon's end of the pipe to its starter. */
export class StarterPipe {
  readonly #fd: number;

  /** From now on standard output and error, which children inherit, are the error log; the pipe has a descriptor of its own. */
  constructor(errorLog: LogTarget, opened: OpenedLogs) {
    this.#fd = posix.duplicate(2, false);
    redirectOutput(errorLog, opened);
    Deno.env.delete(DAEMON_VARIABLE);
  }

  /** For the starter to print. A starter that has gone is no matter. */
  readonly write: WriteLine = (line) => {
    writeAll((bytes) => {
      const n = posix.write(this.#fd, bytes as Uint8Array<ArrayBuffer>);
      return n < 0 ? bytes.length : n;
    }, line);
  };

  /** The server serves: the starter need not wait any longer. */
  ready(): void {
    this.write(new TextEncoder().encode(READY));
    posix.close(this.#fd);
  }
}

/** What anybody prints goes into the error log, if it takes lines that are not made for it. */
export function redirectOutput(errorLog: LogTarget, { descriptors }: OpenedLogs): void {
  const known: number | undefined = errorLog.kind === "standard"
    ? undefined
    : descriptors[targetKey(errorLog)];
  const fd = known ?? posix.openForAppend("/dev/null");
  posix.redirect(fd, 1);
  posix.redirect(fd, 2);
  if (known === undefined) posix.close(fd);
}
