// What may an expression ask about a request? The evaluator knows requests only through this.

import type { VariableName } from "./vocabulary.ts";

/** Variables that ask for nothing but the clock or a field of the request: the evaluator answers them itself. */
export type OwnVariable = Extract<
  VariableName,
  `TIME${string}` | `HTTP_${string}`
>;

/** The file system as expressions see it; what cannot be looked at is not there. */
export interface ExpressionFiles {
  /** What is at `path`, links followed; undefined: nothing. mtime in milliseconds since 1970, mode: permission bits. */
  stat(
    path: string,
  ):
    | { isFile: boolean; isDirectory: boolean; size: number; mtime: number; mode: number }
    | undefined;
  isLink(path: string): boolean;
  /** The text of a file; undefined if it cannot be read. */
  read(path: string): string | undefined;
}

/** One request, as expressions see it. */
export interface ExpressionSubject {
  /** undefined: the server does not know it; "" stands for it. */
  variable(name: Exclude<VariableName, OwnVariable>): string | undefined;
  /** A field of the request by its name in lower case. `varies`: the answer depends on it, caches are to know. */
  requestField(name: string, varies: boolean): string | undefined;
  /** A field of the response by its name in lower case. */
  responseField(name: string): string | undefined;
  /** Variables of the request's environment. */
  environment(name: string): string | undefined;
  note(name: string): string | undefined;
  /** Variables of the server's environment. */
  osEnvironment(name: string): string | undefined;
  /** Milliseconds since 1970. */
  now(): number;
  readonly files: ExpressionFiles;
  /** True when a request for this path (-U), or for this file (-F), would be answered. */
  isReachable(kind: "url" | "file", target: string): boolean;
}
