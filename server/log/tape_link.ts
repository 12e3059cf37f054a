// Do the server's messages pass through LogTape? Where somebody has loaded it: an application, or whoever embeds the server. Anywhere else
// the error log writes them itself, and a server thread that serves files does not load LogTape, which costs it 5 MB.

import type { HttpdLevel } from "./levels.ts";
import type { Part } from "./tape.ts";

/** All categories of the server are below this one. */
export const ROOT = "mpmd";

/** A message on its way to LogTape. */
export interface TapeMessage {
  readonly module: string;
  readonly level: HttpdLevel;
  readonly message: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970, with a fraction. */
  readonly timestamp: number;
}

/** LogTape, for the error log. */
export interface TapeLink {
  /** Sets (undefined: takes away) what `name` wants of LogTape. */
  setPart(name: string, part: Part | undefined): void;
  emit(message: TapeMessage): void;
}

let link: TapeLink | undefined;
const waiting = new Set<() => void>();

/** LogTape, if it is loaded. */
export function tapeLink(): TapeLink | undefined {
  return link;
}

/** LogTape is there, from now on (mod.ts, when it is loaded). */
export function connectTape(connected: TapeLink): void {
  link = connected;
  for (const listener of waiting) listener();
}

/** Calls `listener` when LogTape is loaded later. */
export function awaitTape(listener: () => void): void {
  waiting.add(listener);
}

/** `listener` wants to know no more. */
export function forgetTape(listener: () => void): void {
  waiting.delete(listener);
}
