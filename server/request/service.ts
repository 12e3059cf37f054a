// How is a request answered? Virtual host, phases (phases.ts), what goes out for their answer, log. One object per server thread; the
// modules take part through their hooks.

import { type Scoreboard, SlotField, SlotStatus } from "../../mpm/thread_side.ts";
import type { DirStore, ServerConfig, VirtualServer } from "../config/mod.ts";
import { discardReply } from "../http/engine/body_sender.ts";
import { clock } from "../http/engine/clock.ts";
import { Staging } from "../http/engine/staging.ts";
import { NO_BODY, type PreparedReply, type Reply } from "../http/engine/reply.ts";
import type { ConnectionSettings, Http2Support, Service } from "../http/engine/service.ts";
import { Field, type ProtocolError } from "../http/parser/mod.ts";
import { AccessControl } from "./access.ts";
import { errorReply } from "./error_reply.ts";
import { ErrorResponses } from "./error_responses.ts";
import type { Exchange } from "./exchange.ts";
import { ExchangeSubject, type SubjectFacts } from "./expression_subject.ts";
import { FilterChains } from "./filters/mod.ts";
import { Hosts } from "./hosts.ts";
import { LookAhead } from "./look_ahead.ts";
import { KeptReplies } from "./kept_replies.ts";
import type { ModuleHooks } from "./module.ts";
import { Phases } from "./phases.ts";
import { RequestDisplay } from "./show_request.ts";
import { type Part, subrequest } from "./subrequest.ts";
import { varying, varyingOnce } from "./varying.ts";

/** What the service is put together from. */
export interface ServiceParts {
  readonly config: ServerConfig;
  readonly hooks: readonly ModuleHooks[];
  readonly scoreboard: Scoreboard;
  /** Duration, client, host and request line go to the scoreboard too (ExtendedStatus). */
  readonly extendedStatus: boolean;
  /** What a developer reads for an exception; undefined: nobody is told anything but the status. */
  readonly explain: ((exchange: Exchange, error: unknown) => Reply) | undefined;
  /** Of a long request line its end is shown there (SeeRequestTail). */
  readonly seeRequestTail: boolean;
  /** The engine's settings for a virtual host, from the core directives. */
  readonly settingsOf: (host: VirtualServer) => ConnectionSettings;
  readonly pathOptions: (
    host: VirtualServer,
  ) => { mergeSlashes: boolean; allowEncodedSlashes: "off" | "on" | "nodecode" };
  /** Internal redirects of one request (LimitInternalRecursion). */
  readonly mostRedirects: (host: VirtualServer) => number;
  /** LimitRequestBody of a place. */
  readonly bodyLimit: (dir: DirStore) => number;
  /** Makes a message of a reply that may be kept (the default handler's). */
  readonly prepare: (exchange: Exchange, reply: Reply, serverField: string) => PreparedReply | undefined;
  /** What Allow lists where nothing but files is (the core's). */
  readonly allowedMethods: (exchange: Exchange) => string;
  /** For expressions. */
  readonly serverSoftware: string;
  readonly documentRoot: (host: VirtualServer) => string | undefined;
  /** A failure of the server's own. */
  readonly fault: (error: unknown) => void;
  /** Writes to the error log about a request; `module`: its short name. */
  readonly log: (
    level: "alert" | "crit" | "error" | "info" | "debug",
    module: string,
    ah: string | undefined,
    message: string,
    about: Exchange,
  ) => void;
}

/** A request with one of these wants more than the plain file. */
const CONDITIONAL = [
  Field.Range,
  Field.IfNoneMatch,
  Field.IfModifiedSince,
  Field.IfMatch,
  Field.IfUnmodifiedSince,
  Field.IfRange,
];

export class RequestService implements Service {
  readonly staging = new Staging();
  waiting = 0;
  http2: Http2Support | undefined = undefined;
  readonly settings: ConnectionSettings;
  readonly #settings: Map<VirtualServer, ConnectionSettings> = new Map();
  readonly #prepared: Map<VirtualServer, KeptReplies> = new Map();
  readonly #preparedSecure: Map<VirtualServer, KeptReplies> = new Map();
  readonly #hosts: Hosts;
  readonly #facts: SubjectFacts;
  readonly #display: RequestDisplay | undefined;
  readonly #phases: Phases;
  readonly #errors: ErrorResponses;
  readonly #lookAhead: LookAhead;
  readonly #filters: NonNullable<ModuleHooks["filterReply"]>[];
  readonly #finishers: NonNullable<ModuleHooks["finishReply"]>[];
  readonly chains: FilterChains;
  readonly #connectionCheckers: NonNullable<ModuleHooks["connectionChecker"]>[];
  readonly #batchEnds: NonNullable<ModuleHooks["endOfBatch"]>[];
  readonly #loggers: NonNullable<ModuleHooks["logTransaction"]>[];

  constructor(readonly parts: ServiceParts) {
    const { hooks } = parts;
    this.#hosts = new Hosts(parts.config);
    if (parts.extendedStatus) this.#display = new RequestDisplay(parts.scoreboard, parts.seeRequestTail);
    for (const host of this.#hosts.all) {
      this.#settings.set(host, parts.settingsOf(host));
      this.#prepared.set(host, new KeptReplies());
      this.#preparedSecure.set(host, new KeptReplies());
    }
    this.settings = this.#settings.get(parts.config.main)!;
    this.#filters = hooks.flatMap(({ filterReply }) => filterReply ?? []);
    this.#finishers = hooks.flatMap(({ finishReply }) => finishReply ?? []);
    this.chains = new FilterChains({
      hooks,
      log: (ah, message, exchange) => parts.log("error", "core", ah, message, exchange),
    });
    this.#connectionCheckers = hooks.flatMap(({ connectionChecker }) => connectionChecker ?? []);
    this.#batchEnds = hooks.flatMap(({ endOfBatch }) => endOfBatch ?? []);
    this.#loggers = hooks.flatMap(({ logTransaction }) => logTransaction ?? []);
    const access = new AccessControl(hooks);
    const subjectOf = (exchange: Exchange) => this.subjectOf(exchange);
    const phases = new Phases({
      hooks,
      access,
      subjectOf,
      pathOptions: ({ vhost }) => parts.pathOptions(vhost),
      mostRedirects: ({ vhost }) => parts.mostRedirects(vhost),
      log: parts.log,
      insertFilters: (exchange) => this.chains.insert(exchange),
      failed: (exchange, error) => this.#failure(exchange, error),
      answered: (exchange, reply) => this.#answered(exchange, reply),
    });
    this.#phases = phases;
    this.#errors = new ErrorResponses({
      banner: parts.serverSoftware,
      subjectOf,
      redirect: (exchange, target, status) => phases.redirect(exchange, target, status),
      log: (ah, message, exchange) => parts.log("error", "core", ah, message, exchange),
    });
    const lookAhead = this.#lookAhead = new LookAhead({
      pathOptions: parts.pathOptions,
      translators: phases.translators,
      storageMappers: phases.storageMappers,
      subjectOf,
      place: (exchange) => phases.place(exchange),
      access,
    });
    this.#facts = {
      serverSoftware: parts.serverSoftware,
      documentRoot: ({ documentRoot, vhost }) => documentRoot ?? parts.documentRoot(vhost),
      isReachable: (exchange, kind, target) => lookAhead.isReachable(exchange, kind, target),
    };
  }

  settingsOf(exchange: Exchange): ConnectionSettings {
    return this.#settings.get(exchange.vhost) ?? this.settings;
  }

  prepared(exchange: Exchange): PreparedReply | undefined {
    const { head } = exchange;
    if (head.method !== "GET" || head.form !== "origin") return undefined;
    for (const field of CONDITIONAL) if (head.has(field)) return undefined;
    exchange.vhost = this.#hosts.of(exchange);
    if (this.#hosts.refuses(exchange)) return undefined;
    if (exchange.transport.security !== undefined && this.#isMisplaced(exchange)) {
      return undefined;
    }
    const target = head.target;
    const known = this.#keptFor(exchange);
    const kept = known.find(target, exchange);
    if (kept === undefined) return undefined;
    const { prepared } = kept;
    if (clock.look > prepared.validUntil && !prepared.revalidate(clock.look)) {
      known.forget(target);
      return undefined;
    }
    exchange.path = kept.path;
    if (this.#phases.variesByRequest(exchange)) return undefined;
    exchange.environment = kept.environment;
    exchange.query = kept.query;
    exchange.filename = kept.filename;
    exchange.handler = kept.handler;
    exchange.dir = kept.dir;
    exchange.notes = kept.notes;
    return prepared;
  }

  /** What is kept for requests that come as this one does: conditions may ask for the scheme. */
  #keptFor({ transport: { security }, vhost }: Exchange): KeptReplies {
    return (security === undefined ? this.#prepared : this.#preparedSecure).get(vhost)!;
  }

  /** A request that must not be made on its connection; `exchange.misplaced` is the answer. */
  #isMisplaced(exchange: Exchange): boolean {
    for (const check of this.#connectionCheckers) {
      // Asked once: it is in the log.
      exchange.misplaced ??= check(exchange);
    }
    return exchange.misplaced !== undefined;
  }

  begin(exchange: Exchange): Reply | undefined {
    exchange.vhost = this.#hosts.of(exchange);
    const secure = exchange.transport.security !== undefined;
    const passes = !(secure && this.#isMisplaced(exchange)) && !this.#hosts.refuses(exchange);
    if (passes && this.#phases.placed(exchange)) return undefined;
    exchange.dir = exchange.vhost.dirDefaults;
    const refused = this.#begun(exchange);
    if (refused === undefined) return undefined;
    const reply = this.#answered(exchange, refused);
    if (!(reply instanceof Promise)) return reply;
    // The engine takes it when it is the handler's turn: the body of the request comes first.
    exchange.detach();
    exchange.answer = reply;
    return undefined;
  }

  #begun(exchange: Exchange): Reply | undefined {
    const { head } = exchange;
    if (exchange.misplaced !== undefined) return exchange.misplaced;
    if (this.#hosts.refuses(exchange)) {
      this.parts.log("error", "core", "AH10156", `Unknown host ${head.host}`, exchange);
      return errorReply(400);
    }
    if (head.form === "asterisk") {
      exchange.path = "*";
      return { status: 200, fields: [], body: NO_BODY };
    }
    if (head.form === "authority") {
      return errorReply(405, { fields: [["Allow", this.parts.allowedMethods(exchange)]] });
    }
    return this.#phases.locate(exchange, head.target, head.pathStart - head.targetStart);
  }

  /** The request as expressions see it. */
  subjectOf(exchange: Exchange): ExchangeSubject {
    const subject = exchange.subject ?? new ExchangeSubject(exchange, this.#facts);
    exchange.subject = subject;
    return subject;
  }

  /** What is at another target, as a part of the answer to `from`. */
  subrequest(from: Exchange, target: string, handler?: string): Promise<Part | undefined> {
    return subrequest(from, target, handler, this.#phases, {
      subjectOf: (exchange) => this.subjectOf(exchange),
      failed: (exchange, error) => this.#failure(exchange, error),
    });
  }

  /** Where a path leads in the file system. */
  fileNameOf(from: Exchange, path: string): string | undefined {
    return this.#lookAhead.fileNameOf(from, path);
  }

  /** Answers with what is at another target; the answer of the phases, to which nothing has been done. */
  redirect(exchange: Exchange, target: string): Reply | Promise<Reply> {
    return this.#phases.redirect(exchange, target);
  }

  /** The event loop has its turns until `promise` is settled. */
  waitUntil(promise: Promise<unknown>): void {
    this.waiting++;
    const over = () => void this.waiting--;
    promise.then(over, over);
  }

  bodyLimit(exchange: Exchange): number {
    return this.parts.bodyLimit(exchange.dir);
  }

  wantsBody(exchange: Exchange): boolean {
    return exchange.answer === undefined && this.#phases.wantsBody(exchange);
  }

  handle(exchange: Exchange): Reply | Promise<Reply> {
    this.working(exchange);
    return exchange.answer ?? this.#phases.answer(exchange);
  }

  /** What goes out for the answer of the phases. */
  #answered(exchange: Exchange, answer: Reply): Reply | Promise<Reply> {
    // What fails for a part is told by whoever wanted it.
    if (exchange.main !== undefined && answer.failure !== undefined) return answer;
    const reply = this.#errors.complete(exchange, answer);
    return reply instanceof Promise
      ? reply.then((later) => this.#filtered(exchange, later))
      : this.#filtered(exchange, reply);
  }

  #filtered(exchange: Exchange, answer: Reply): Reply | Promise<Reply> {
    const reply = this.#withHead(exchange, answer);
    const chain = exchange.outputFilters;
    if (chain === undefined || !hasContent(reply)) return this.#finished(exchange, reply);
    return this.chains.filtered(exchange, reply, chain).then(
      (later) => this.#finished(exchange, later),
      (error) => this.#finished(exchange, this.#errors.page(exchange, this.#failure(exchange, error))),
    );
  }

  #withHead(exchange: Exchange, answer: Reply): Reply {
    let reply = answer;
    for (const filter of this.#filters) reply = filter(exchange, reply);
    return reply;
  }

  #finished(exchange: Exchange, answer: Reply): Reply {
    let reply = varying(exchange, answer);
    for (const finish of this.#finishers) reply = finish(exchange, reply);
    if (exchange.varyOn !== undefined || exchange.selectedBy !== undefined) reply = varyingOnce(reply);
    if (exchange.cacheable) this.#keep(exchange, reply);
    return reply;
  }

  /** As #answered(), where nobody can wait: an ErrorDocument that takes time is not waited for. */
  #answeredNow(exchange: Exchange, failure: Reply): Reply {
    const reply = this.#answered(exchange, failure);
    if (!(reply instanceof Promise)) return reply;
    reply.then(discardReply, (error) => this.#logError(exchange, `an ErrorDocument failed: ${error}`));
    return this.#finished(exchange, this.#withHead(exchange, this.#errors.page(exchange, failure)));
  }

  #keep(exchange: Exchange, reply: Reply): void {
    // A message made ahead leaves the connection open.
    if (exchange.dependsOn === "request" || reply.close === true) return;
    // The file alone does not tell: what .htaccess files say has to be the same.
    for (const unchanged of exchange.overrides?.values() ?? []) exchange.holdsWhile(unchanged);
    this.#keptFor(exchange).keep(exchange, () => {
      const prepared = this.parts.prepare(exchange, reply, this.settingsOf(exchange).serverField);
      if (prepared === undefined) return undefined;
      const { path, query, filename, handler, dir, environment, notes, variant } = exchange;
      return { prepared, path, query, filename, handler, dir, environment, notes, variant };
    });
  }

  handlerFailed(exchange: Exchange, error: unknown): Reply {
    return this.#answeredNow(exchange, exchange.badBody ?? this.#failure(exchange, error));
  }

  #failure(exchange: Exchange, error: unknown): Reply {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#logError(exchange, `the handler of ${exchange.head.method} ${exchange.path} failed: ${text}`);
    return this.parts.explain?.(exchange, error) ?? errorReply(500);
  }

  #logError(exchange: Exchange, message: string): void {
    this.parts.log("error", "core", undefined, message, exchange);
  }

  invalidField(exchange: Exchange, error: Error): Reply {
    this.parts.log("error", "core", "AH02429", error.message, exchange);
    // Without filters: they may have made the field.
    return this.#errors.page(exchange, errorReply(500));
  }

  streamFailed(exchange: Exchange, error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#logError(
      exchange,
      `the response body for ${exchange.head.method} ${exchange.path} failed: ${text}`,
    );
  }

  /** What failed before anything was known of it is the main server's. */
  #settle(exchange: Exchange): void {
    exchange.vhost ??= this.parts.config.main;
    exchange.dir ??= exchange.vhost.dirDefaults;
  }

  protocolError(error: ProtocolError, exchange: Exchange): Reply {
    this.#settle(exchange);
    this.parts.log("info", "core", error.ah, error.message, exchange);
    return this.#answeredNow(exchange, errorReply(error.status, { note: error.note, close: true }));
  }

  timedOut(exchange: Exchange): Reply {
    this.#settle(exchange);
    this.parts.log("info", "reqtimeout", "AH01382", "Request header or body read timeout", exchange);
    return this.#answeredNow(exchange, errorReply(408, { close: true }));
  }

  faulted(error: unknown): void {
    this.parts.fault(error);
  }

  working(exchange: Exchange): void {
    this.parts.scoreboard.setSlot(exchange.transport.row, SlotField.Status, SlotStatus.Write);
    if (this.#display === undefined) return;
    this.#display.show(exchange);
    exchange.shown = true;
  }

  counted(exchange: Exchange): void {
    const { scoreboard } = this.parts;
    const { row } = exchange.transport;
    const micros = this.#display !== undefined ? (performance.now() - exchange.startClock) * 1000 : 0;
    scoreboard.count(row, exchange.status, exchange.bytesSent, micros, exchange.startTime);
    if (!exchange.shown) this.#display?.show(exchange);
  }

  finished(exchange: Exchange): void {
    for (const log of this.#loggers) log(exchange);
  }

  /** Buffered output of the modules goes out. */
  endOfBatch(): void {
    this.staging.settle();
    for (const endOfBatch of this.#batchEnds) endOfBatch();
  }

  /** The thread ends. */
  endOfThread(): void {
    for (const { threadEnd } of this.parts.hooks) threadEnd?.();
  }
}

/** Filters are for content that somebody has made for this response: not for pages of the server's own. */
function hasContent({ status, failure, takeOver }: Reply): boolean {
  return failure === undefined && takeOver === undefined && status !== 304 && status !== 204;
}
