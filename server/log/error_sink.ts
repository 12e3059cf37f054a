// Where do the lines of an error log go, and what does the receiver know of them itself?

import { LineQueue } from "./line_queue.ts";
import type { HttpdLevel } from "./levels.ts";
import type { OpenedLogs } from "./inherited_logs.ts";
import { openLogOutput } from "./log_output.ts";
import { Syslog, syslogSeverity } from "./syslog.ts";
import { type LogTarget, type OutputTarget, targetKey } from "./target.ts";

/** Takes whole lines. Nothing here waits or throws: a log that cannot be written must not stop what it is about. */
export interface ErrorSink {
  /** `line` without its end; `ms` since 1970. */
  write(line: string, level: HttpdLevel, ms: number): void;
  /** The receiver notes the time itself. */
  readonly notesTime: boolean;
  /** Messages of level notice go through whatever LogLevel says (mpm.md 13.4). */
  readonly takesNotice: boolean;
  close(): void;
}

/** Opens the way to `target` for one thread. @throws as openLogOutput() */
export function openErrorSink(target: LogTarget, logs: OpenedLogs): ErrorSink {
  if (target.kind === "syslog") {
    const syslog = new Syslog(target.facility, target.tag);
    return {
      write: (line, level, ms) => syslog.send(line, level, ms),
      notesTime: true,
      takesNotice: false,
      close: () => syslog.close(),
    };
  }
  return lineSink(target, logs);
}

function lineSink(target: OutputTarget, logs: OpenedLogs): ErrorSink {
  const journal = target.kind === "standard" && target.stream === "error" && logs.journal;
  // Standard error is the last resort: where it is the log itself, nobody can be told.
  const complain = (message: string) => console.error(`${targetKey(target)}: ${message}`);
  const queue = new LineQueue({
    output: openLogOutput(target, logs, complain),
    onError: ({ error, lostLines }) =>
      complain(`AH00646: Error writing to the error log: ${error.message} (${lostLines} lines lost)`),
  });
  return {
    write(line, level) {
      queue.line(journal ? `<${syslogSeverity(level)}>${line}` : line);
      queue.flush();
    },
    notesTime: journal,
    takesNotice: true,
    close: () => queue.close(),
  };
}
