// How does a configuration say what is wrong with it? One error with a place, and one for arguments that has none yet.

/** Marks the errors of this file in all of its copies: modules of third parties may have been written against another than the server runs. */
const KIND = Symbol.for("mpmd kind of error");

function isOfKind(value: unknown, kind: string): boolean {
  return value instanceof Error && (value as { [KIND]?: string })[KIND] === kind;
}

/** A line of a configuration file. */
export interface Where {
  readonly file: string;
  /** From 1; of a line that goes on with backslashes, the first. */
  readonly line: number;
}

/**
 * A configuration that cannot be used. `message` is what httpd prints: `AH00526: Syntax error on line N of FILE:` and, on a line
 * of its own, the reason.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly [KIND] = "configuration";

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === ConfigError ? isOfKind(value, "configuration") : super[Symbol.hasInstance](value);
  }

  readonly file: string;
  readonly line: number;

  constructor(where: Where, readonly reason: string, readonly directive?: string) {
    super(`AH00526: Syntax error on line ${where.line} of ${where.file}:\n${reason}`);
    this.file = where.file;
    this.line = where.line;
  }
}

/** Several of them, found in one go; `message` has each reason once, what is said of one place is the first's. */
export class ConfigErrors extends ConfigError {
  /** @param errors at least one, in the order of the configuration */
  constructor(readonly errors: readonly ConfigError[]) {
    const [first] = errors;
    super(first, first.reason, first.directive);
    const byReason = Map.groupBy(errors, ({ reason }) => reason);
    this.message = [...byReason.values()].map(([{ message }, ...again]) =>
      again.length === 0 ? message : `${message} (${again.length} more: ${places(again)})`
    ).join("\n");
  }
}

/** The lines of errors, for people: the first few. */
function places(errors: readonly ConfigError[]): string {
  const named = errors.slice(0, 3).map(({ file, line }) => `${file}:${line}`);
  return errors.length > named.length ? `${named.join(", ")} ...` : named.join(", ");
}

/**
 * An argument that its directive does not take. Thrown by rows of the directive table and by callbacks of the reader, which do
 * not know where they are; it becomes a {@linkcode ConfigError} with the place of the directive.
 */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
  readonly [KIND] = "argument";

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === ArgumentError ? isOfKind(value, "argument") : super[Symbol.hasInstance](value);
  }

  /** @param needsName the message lacks its subject: the name of the directive is put before it. */
  constructor(message: string, readonly needsName = false) {
    super(message);
  }
}

/** Runs `action` for the directive `name`, if any: an ArgumentError gets the place. @throws ConfigError */
export function placed<T>(where: Where, name: string | undefined, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ConfigError(where, error.needsName ? `${name} ${error.message}` : error.message, name);
  }
}
