// What happens to a record that is logged by `@std/log`? Handlers, as std's log had them: a level, a formatter and a way out.

import { AppendFile } from "./sinks.ts";

/** std's numeric levels. */
export const LogLevels = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Names of the levels. */
export type LevelName = keyof typeof LogLevels;

/** What a handler is given. */
export interface LogRecord {
  readonly msg: string;
  /** What was passed besides the message. */
  readonly args: readonly unknown[];
  readonly datetime: Date;
  readonly level: number;
  readonly levelName: LevelName;
  readonly loggerName: string;
  /** LogTape's properties; `httpdLevel` is there for what was logged at one of httpd's levels. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Makes the text of a record. */
export type Formatter = (record: LogRecord) => string;

/** What handlers may be told. */
export interface HandlerOptions {
  /** Otherwise `LEVEL message`. */
  readonly formatter?: Formatter;
}

/** Where records of a level and above go. Subclasses say what happens to their text. */
export abstract class BaseHandler {
  readonly formatter: Formatter;

  constructor(readonly levelName: LevelName, options: HandlerOptions = {}) {
    this.formatter = options.formatter ?? (({ levelName: level, msg }) => `${level} ${msg}`);
  }

  /** The number of `levelName`. */
  get level(): number {
    return LogLevels[this.levelName];
  }

  /** Passes a record on unless it is below this handler's level. */
  handle(record: LogRecord): void {
    if (record.level >= this.level) this.log(this.format(record));
  }

  /** The text of a record. */
  format(record: LogRecord): string {
    return this.formatter(record);
  }

  /** Called by std's setup() before the first record. */
  setup(): void {}

  /** Called when another configuration takes the place of the one with this handler. */
  destroy(): void {}

  abstract log(text: string): void;
}

/** Writes to the console (standard output). */
export class ConsoleHandler extends BaseHandler {
  log(text: string): void {
    console.log(text);
  }
}

/** What a FileHandler needs to know. */
export interface FileHandlerOptions extends HandlerOptions {
  readonly filename: string;
  /** `a` appends (default), `w` empties the file first, `x` refuses one that exists. */
  readonly mode?: "a" | "w" | "x";
}

/** Writes each record to a file, at once and in one call. */
export class FileHandler extends BaseHandler {
  readonly #encoder = new TextEncoder();
  #file: AppendFile | undefined;

  constructor(levelName: LevelName, readonly options: FileHandlerOptions) {
    super(levelName, options);
  }

  /** @throws what Deno.openSync throws */
  override setup(): void {
    const { filename, mode = "a" } = this.options;
    this.#file?.close();
    this.#file = new AppendFile(filename, {
      append: mode === "a",
      write: mode !== "a",
      truncate: mode === "w",
      create: mode !== "x",
      createNew: mode === "x",
    });
  }

  /** @throws what Deno.FsFile.writeSync throws */
  log(text: string): void {
    if (this.#file === undefined) this.setup();
    this.#file?.write(this.#encoder.encode(text + "\n"));
  }

  /** Hands to the disk what the system still keeps in memory. */
  flush(): void {
    this.#file?.sync();
  }

  override destroy(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
