// What serves connections, whoever is in charge of it? The part of a process that has server threads, whether the process is
// a child or the only one there is.

import type { Remaining } from "../shared/child_order.ts";
import type { RelaySource } from "../relay/relay_sockets.ts";
import type { ScoreboardPlace } from "../shared/scoreboard.ts";
import type { ThreadOrder } from "../thread/server_thread.ts";
import type { ThreadProgram } from "../shared/transport.ts";
import type { LogLevel } from "../types.ts";

/** What server threads run: the module of a Web Worker, and the same for a process that is its own thread. */
export interface ThreadModule {
  readonly worker: URL;
  create(order: ThreadOrder & { readonly program: unknown }): Promise<ThreadProgram>;
  /** In the process, before its threads are started with the program that this makes of the order's. */
  prepare(program: unknown): PreparedProgram;
}

/** What a process has prepared for its threads. */
export interface PreparedProgram {
  readonly program: unknown;
  /** No thread serves any more. */
  end(): void;
}

/** What whoever is in charge hears. */
export interface ServingEvents {
  /** It answers. */
  onReady(): void;
  /** It accepts no more, of its own accord. */
  onEnding(reason: string): void;
  /** It has served its share, and goes on until it is told to end. */
  onExhausted(): void;
  /** The order cannot be carried out: threads do not start. */
  onFailed(): void;
  log(level: LogLevel, ah: string | undefined, message: string): void;
}

/** What all servings are made of. */
export interface ServingParts {
  readonly scoreboard: ScoreboardPlace;
  readonly module: ThreadModule;
  readonly events: ServingEvents;
  /** Where the sockets come from when connections are relayed. */
  readonly relay?: RelaySource;
}

/** Something that serves. */
export interface Serving {
  /** 0, or a ChildExit that says why it ended of its own accord. */
  readonly exitCode: number;
  /** Serves until the end has been asked for and the last connection is closed. */
  serve(): Promise<void>;
  /**
   * Accepts no more, but what waits at sockets that are not among the remaining ones (without them: at none); finishes what it
   * has.
   */
  endGracefully(remaining?: Remaining): void;
}
