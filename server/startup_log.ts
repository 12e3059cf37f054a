// What does the server say of its start, while it has no error log or somebody watches? To standard error, or to the file of -E;
// how much, -e says.

import { type HttpdLevel, severity } from "./log/levels.ts";
import { AppendFile, stderrSink, type WriteLine } from "./log/sinks.ts";

const encoder = new TextEncoder();

/** What is said until the server serves. As httpd does it: no time and no level in front, `notice` is always said. */
export class StartupLog {
  readonly #level: HttpdLevel;
  #write: WriteLine = stderrSink;

  /** @param file that of -E; one that cannot be opened is told (AH00086) and standard error stays */
  constructor(level: HttpdLevel, file: string | undefined) {
    this.#level = level;
    if (file === undefined) return;
    try {
      this.#write = new AppendFile(file).write;
    } catch (error) {
      this.say("error", `AH00086: mpmd: could not open error log file ${file}: ${(error as Error).message}`);
    }
  }

  /** Writes `message`, which may have several lines, if its level goes through. */
  say(level: HttpdLevel, message: string): void {
    if (level !== "notice" && severity(level) > severity(this.#level)) return;
    this.#write(encoder.encode(`${message}\n`));
  }

  /** Standard error is about to become something else: `write` takes its place, unless there is a file. */
  replaceStandardError(write: WriteLine): void {
    if (this.#write === stderrSink) this.#write = write;
  }
}
