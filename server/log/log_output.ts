// What does a thread write a log to? To the descriptor that the control process has opened; what is written in one call stays
// together, up to a length.

import { descriptorWriter } from "./descriptor_writer.ts";
import type { OpenedLogs } from "./inherited_logs.ts";
import { fileNow, RotatingFile } from "./rotating_file.ts";
import { type OutputTarget, targetKey } from "./target.ts";

/** The way into one log. */
export interface LogOutput {
  /** Writes some of the first `length` bytes, as write(2) does, and returns how many; 0: not now, its reader is slow. @throws Error */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number;
  /** Whole lines of up to this many bytes, written in one call, are never mingled with those of others. */
  readonly together: number;
}

/** A pipe takes this much at once, or nothing (PIPE_BUF of Linux; others have at least 512). */
const PIPE_BUF = Deno.build.os === "linux" ? 4096 : 512;

/**
 * Opens the log for a thread. `onProblem` hears what does not keep it from being written. @throws SystemError; what
 * Deno.openSync throws where each thread opens its own
 */
export function openLogOutput(
  target: OutputTarget,
  logs: OpenedLogs,
  onProblem: (message: string) => void,
): LogOutput {
  const fd: number | undefined = logs.descriptors[targetKey(target)];
  switch (target.kind) {
    case "program":
      if (fd === undefined) throw new Error(`nobody has started ${target.command}`);
      return { write: descriptorWriter(fd), together: PIPE_BUF };
    case "standard": {
      const stream = target.stream === "output" ? Deno.stdout : Deno.stderr;
      return { write: fd === undefined ? streamWriter(stream) : descriptorWriter(fd), together: PIPE_BUF };
    }
    case "file":
      return { write: fd === undefined ? fileWriter(target.path) : descriptorWriter(fd), together: Infinity };
    case "rotating": {
      const firstPath = logs.rotating[targetKey(target)] ?? fileNow(target, Date.now());
      const first = fd === undefined ? fileWriter(firstPath) : descriptorWriter(fd);
      const file = new RotatingFile(target, { firstPath, first, onProblem });
      return { write: (bytes, length) => file.write(bytes, length), together: Infinity };
    }
  }
}

function fileWriter(path: string): LogOutput["write"] {
  return streamWriter(Deno.openSync(path, { append: true, create: true }));
}

/** Where the C library is not there. */
function streamWriter(stream: { writeSync(bytes: Uint8Array): number }): LogOutput["write"] {
  return (bytes, length) => stream.writeSync(bytes.subarray(0, length));
}
