// Which steps lead to an answer? The phases of httpd, in order: path, location, file name, file, access, fixups, handler; and the
// same again for another path when a request is redirected within the server.

import { system } from "../../platform/detect.ts";
import { OverrideError, resolveDirectory } from "../config/mod.ts";
import { normalisePath, type PathOptions, splitTarget } from "../http/content/mod.ts";
import type { Reply } from "../http/engine/reply.ts";
import type { AccessControl } from "./access.ts";
import { errorReply } from "./error_reply.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeSubject } from "./expression_subject.ts";
import { InternalRedirect, type ModuleHooks } from "./module.ts";
import { isGeneral, Placements } from "./placements.ts";
import { beginRedirect } from "./redirect.ts";

/** True for the file name of a request that another server answers: `proxy:` and its URL. */
export function isElsewhere(filename: string): boolean {
  return filename.startsWith("proxy:");
}

/** What the phases are made of. */
export interface PhaseParts {
  readonly hooks: readonly ModuleHooks[];
  readonly access: AccessControl;
  readonly subjectOf: (exchange: Exchange) => ExchangeSubject;
  readonly pathOptions: (exchange: Exchange) => Omit<PathOptions, "windows">;
  /** LimitInternalRecursion. */
  readonly mostRedirects: (exchange: Exchange) => number;
  readonly log: (
    level: "alert" | "crit" | "error" | "info",
    module: string,
    ah: string | undefined,
    message: string,
    exchange: Exchange,
  ) => void;
  /** The handler will be asked: what its answer passes through is found. */
  readonly insertFilters: (exchange: Exchange) => void;
  /** The answer for what a module has thrown. */
  readonly failed: (exchange: Exchange, error: unknown) => Reply;
  /** The answer is known, and nothing has been done to it. */
  readonly answered: (exchange: Exchange, reply: Reply) => Reply | Promise<Reply>;
}

/** The phases of one thread. */
export class Phases {
  readonly #parts: PhaseParts;
  readonly translators: readonly NonNullable<ModuleHooks["translateName"]>[];
  readonly storageMappers: readonly NonNullable<ModuleHooks["mapToStorage"]>[];
  readonly #receivers: NonNullable<ModuleHooks["postReadRequest"]>[];
  readonly #typeCheckers: NonNullable<ModuleHooks["typeChecker"]>[];
  readonly #fixups: NonNullable<ModuleHooks["fixups"]>[];
  readonly #quickHandlers: NonNullable<ModuleHooks["quickHandler"]>[];
  readonly #handlers: ModuleHooks[];
  readonly #bodyReaders: NonNullable<ModuleHooks["readsBody"]>[];
  readonly #placements = new Placements();
  readonly #placers: NonNullable<ModuleHooks["placeValues"]>[];

  constructor(parts: PhaseParts) {
    this.#parts = parts;
    const { hooks } = parts;
    this.translators = hooks.flatMap(({ translateName }) => translateName ?? []);
    this.storageMappers = hooks.flatMap(({ mapToStorage }) => mapToStorage ?? []);
    this.#receivers = hooks.flatMap(({ postReadRequest }) => postReadRequest ?? []);
    this.#typeCheckers = hooks.flatMap(({ typeChecker }) => typeChecker ?? []);
    this.#fixups = hooks.flatMap(({ fixups }) => fixups ?? []);
    this.#quickHandlers = hooks.flatMap(({ quickHandler }) => quickHandler ?? []);
    this.#bodyReaders = hooks.flatMap(({ readsBody }) => readsBody ?? []);
    this.#placers = hooks.flatMap(({ placeValues }) => placeValues ?? []);
    this.#handlers = hooks.filter(({ handler }) => handler !== undefined);
  }

  /** True when it is known where the request leads: answer() asks the handler at once. */
  placed(exchange: Exchange): boolean {
    const answerer = this.#placements.find(exchange);
    if (answerer === undefined) return false;
    const { path, dir } = exchange;
    if (this.variesByRequest(exchange)) return false;
    exchange.path = path;
    exchange.dir = dir;
    exchange.answerer = answerer;
    this.#parts.subjectOf(exchange);
    return true;
  }

  /** The phases that need nothing but the head, up to the values of the place. A reply ends the request. */
  locate(exchange: Exchange, target: string, pathStart = 0): Reply | undefined {
    const { path, query } = splitTarget(target, pathStart);
    exchange.query = query ?? "";
    const options = this.#parts.pathOptions(exchange);
    const normal = normalisePath(path, { ...options, windows: system === "windows" });
    if (normal.path === undefined) {
      this.#parts.log("info", "core", normal.ah, `${normal.note}: ${path}`, exchange);
      return errorReply(normal.status, { note: normal.note });
    }
    exchange.path = normal.path;
    for (const receive of this.#receivers) receive(exchange);
    try {
      // What decides about the file's name is without conditions: those may ask for the name.
      exchange.dir = resolveDirectory(exchange.vhost, exchange.path, "");
      // Bytes that are not UTF-8 name no file: what text there is for them names another.
      for (const translate of normal.latin1 ? [] : this.translators) {
        const translated = translate(exchange);
        if (translated === true) break;
        if (translated !== false) return translated;
      }
      this.place(exchange);
    } catch (error) {
      return this.#notPlaced(exchange, error);
    }
    for (const quickHandler of this.#quickHandlers) {
      const reply = quickHandler(exchange);
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  /** True when this request is not like others for the same path, before anything else is known of it. */
  variesByRequest(exchange: Exchange): boolean {
    if (this.#receivers.length === 0) return false;
    exchange.dir = exchange.vhost.dirDefaults;
    for (const receive of this.#receivers) receive(exchange);
    if (exchange.dependsOn !== "request") return false;
    // The phases begin with what the client asked for, which may be another path (an index file's).
    exchange.dependsOn = "file";
    exchange.environment = undefined;
    return true;
  }

  /** Finds the values that hold where the request leads, as far as it is known. @throws OverrideError */
  place(exchange: Exchange): void {
    const { vhost, path, filename, file } = exchange;
    const subject = this.#parts.subjectOf(exchange);
    // What is another server's is in no directory of this one.
    const name = isElsewhere(filename) ? "" : filename;
    exchange.dir = resolveDirectory(vhost, path, name, file?.isDirectory, subject);
    for (const place of this.#placers) exchange.dir = place(exchange);
  }

  /** A .htaccess file that cannot be used refuses what is below it. */
  #notPlaced(exchange: Exchange, error: unknown): Reply {
    if (!(error instanceof OverrideError)) return this.#parts.failed(exchange, error);
    const { status, ah, message } = error;
    this.#parts.log(status === 403 ? "crit" : "alert", "core", ah, message, exchange);
    return errorReply(status);
  }

  /** The phases from the file on. */
  answer(exchange: Exchange): Reply | Promise<Reply> {
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#placedAnswer(exchange) ?? this.#mapped(exchange) ?? this.#withAccess(exchange);
    } catch (error) {
      reply = this.#notPlaced(exchange, error);
    }
    return reply instanceof Promise
      ? reply.then((later) => this.#parts.answered(exchange, later))
      : this.#parts.answered(exchange, reply);
  }

  #placedAnswer(exchange: Exchange): Reply | Promise<Reply> | undefined {
    const { answerer } = exchange;
    if (answerer === undefined) return undefined;
    this.#parts.insertFilters(exchange);
    const answer = answerer.handler!(exchange);
    return answer instanceof InternalRedirect ? this.redirect(exchange, answer.target) : answer;
  }

  /** Finds the file. @throws OverrideError */
  #mapped(exchange: Exchange): Reply | undefined {
    // An application answers for its place whatever the file system says.
    if (!this.#skipsFiles(exchange)) {
      for (const map of this.storageMappers) {
        const reply = map(exchange);
        if (reply !== undefined) return reply;
      }
    }
    this.place(exchange);
    return undefined;
  }

  #skipsFiles(exchange: Exchange): boolean {
    return this.#handlers.some((hooks) => hooks.skipsFiles?.(exchange) === true);
  }

  /** True when the handler reads the request's body itself. */
  wantsBody(exchange: Exchange): boolean {
    const { answerer } = exchange;
    if (answerer !== undefined) return answerer.readsBody?.(exchange) === true;
    return this.#bodyReaders.some((readsBody) => readsBody(exchange));
  }

  /** Answers if the modules let the request pass. @throws OverrideError */
  #withAccess(exchange: Exchange): Reply | Promise<Reply> {
    const refused = this.#refusal(exchange);
    if (refused !== undefined) return refused;
    let files = !this.#skipsFiles(exchange);
    const untyped = files ? this.#typed(exchange) : undefined;
    if (untyped !== undefined) return untyped;
    for (const fixup of this.#fixups) {
      const { filename, file } = exchange;
      const done = fixup(exchange, files);
      if (done instanceof InternalRedirect) return this.redirect(exchange, done.target);
      if (done !== undefined) return done;
      if (exchange.filename === filename && exchange.file === file) continue;
      // Another file (an index file), or what another server has.
      if (isElsewhere(exchange.filename)) {
        exchange.file = undefined;
        files = false;
      }
      const replaced = this.#replaced(exchange) ?? (files ? this.#typed(exchange) : undefined);
      if (replaced !== undefined) return replaced;
    }
    const general = !files && isGeneral(exchange);
    this.#parts.insertFilters(exchange);
    for (const hooks of this.#handlers) {
      const reply = hooks.handler!(exchange);
      if (reply instanceof InternalRedirect) return this.redirect(exchange, reply.target);
      if (reply === undefined) continue;
      if (general && hooks.skipsFiles?.(exchange) === true) this.#placements.keep(exchange, hooks);
      return reply;
    }
    return errorReply(404);
  }

  /** Finds out what the file is, which may lead to another one. */
  #typed(exchange: Exchange): Reply | Promise<Reply> | undefined {
    for (const check of this.#typeCheckers) {
      const { filename } = exchange;
      const reply = check(exchange) ??
        (exchange.filename === filename ? undefined : this.#replaced(exchange));
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  /** There is another file now: other sections may hold for it. */
  #replaced(exchange: Exchange): Reply | Promise<Reply> | undefined {
    this.place(exchange);
    return this.#refusal(exchange);
  }

  /** The answer for whom the modules refuse; undefined: it may pass. What takes time to find out is asked again afterwards. */
  #refusal(exchange: Exchange): Reply | Promise<Reply> | undefined {
    const access = this.#parts.access.check(exchange);
    if (access === undefined) return undefined;
    if (access instanceof Promise) return access.then(() => this.#withAccess(exchange));
    const { status, module, ah, message, challenges, fields } = access;
    if (message !== undefined) this.#parts.log("error", module, ah, message, exchange);
    return errorReply(status, { fields: challenges ? this.#parts.access.challenge(exchange) : fields });
  }

  /**
   * Answers with what is at another target of this server, as if the client had asked for that; `status` is what the environment tells
   * as REDIRECT_STATUS.
   */
  redirect(exchange: Exchange, target: string, status = 200): Reply | Promise<Reply> {
    const most = this.#parts.mostRedirects(exchange);
    if ((exchange.redirected?.depth ?? 0) >= most) {
      this.#parts.log(
        "error",
        "core",
        "AH00124",
        `Request exceeded the limit of ${most} internal redirects due to probable configuration error. Use ` +
          "'LimitInternalRecursion' to increase the limit if necessary.",
        exchange,
      );
      return errorReply(500);
    }
    beginRedirect(exchange, status);
    return this.locate(exchange, target) ?? this.#redirected(exchange);
  }

  #redirected(exchange: Exchange): Reply | Promise<Reply> {
    try {
      return this.#mapped(exchange) ?? this.#withAccess(exchange);
    } catch (error) {
      return this.#notPlaced(exchange, error);
    }
  }
}
