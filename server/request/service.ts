// How is a request answered? The phases of httpd, in order: virtual host, path, location, file name, file, fixups, handler,
// log. One object per server thread; the modules take part through their hooks.

import { system } from "../../platform/detect.ts";
import { type Scoreboard, SlotField, SlotStatus } from "../../mpm/mod.ts";
import {
  type DirStore,
  OverrideError,
  resolveDirectory,
  type ServerConfig,
  type VirtualServer,
} from "../config/mod.ts";
import { normalisePath, splitTarget } from "../http/content/mod.ts";
import { OutputBuffer } from "../http/engine/output.ts";
import type { PreparedReply, Reply } from "../http/engine/reply.ts";
import type { ConnectionSettings, Service } from "../http/engine/service.ts";
import { Field, type ProtocolError } from "../http/parser/mod.ts";
import { AccessControl } from "./access.ts";
import { errorReply } from "./error_reply.ts";
import type { Exchange } from "./exchange.ts";
import { ExchangeSubject, type SubjectFacts } from "./expression_subject.ts";
import { Hosts } from "./hosts.ts";
import { LookAhead } from "./look_ahead.ts";
import type { ModuleHooks } from "./module.ts";
import { RequestDisplay } from "./show_request.ts";

/** What the service is put together from. */
export interface ServiceParts {
  readonly config: ServerConfig;
  readonly hooks: readonly ModuleHooks[];
  readonly scoreboard: Scoreboard;
  /** Duration, client, host and request line go to the scoreboard too (ExtendedStatus). */
  readonly extendedStatus: boolean;
  /** Of a long request line its end is shown there (SeeRequestTail). */
  readonly seeRequestTail: boolean;
  /** The engine's settings for a virtual host, from the core directives. */
  readonly settingsOf: (host: VirtualServer) => ConnectionSettings;
  readonly pathOptions: (
    host: VirtualServer,
  ) => { mergeSlashes: boolean; allowEncodedSlashes: "off" | "on" | "nodecode" };
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

/** Messages made ahead are kept for this many targets per virtual host. */
const PREPARED_LIMIT = 1000;
/** A request with one of these wants more than the plain file. */
const CONDITIONAL = [
  Field.Range,
  Field.IfNoneMatch,
  Field.IfModifiedSince,
  Field.IfMatch,
  Field.IfUnmodifiedSince,
  Field.IfRange,
];

/** A message made ahead, and what the logs show of a request that it answers. */
interface KeptReply extends Readonly<Pick<Exchange, "path" | "query" | "filename" | "handler" | "dir">> {
  readonly prepared: PreparedReply;
}

export class RequestService implements Service {
  readonly output = new OutputBuffer();
  readonly settings: ConnectionSettings;
  readonly #settings: Map<VirtualServer, ConnectionSettings> = new Map();
  readonly #prepared: Map<VirtualServer, Map<string, KeptReply>> = new Map();
  readonly #translators: NonNullable<ModuleHooks["translateName"]>[] = [];
  readonly #storageMappers: NonNullable<ModuleHooks["mapToStorage"]>[];
  readonly #fixups: NonNullable<ModuleHooks["fixups"]>[];
  readonly #access: AccessControl;
  readonly #hosts: Hosts;
  readonly #facts: SubjectFacts;
  readonly #display: RequestDisplay | undefined;
  readonly #handlers: ModuleHooks[] = [];
  readonly #quickHandlers: NonNullable<ModuleHooks["quickHandler"]>[] = [];
  readonly #batchEnds: NonNullable<ModuleHooks["endOfBatch"]>[] = [];
  readonly #loggers: NonNullable<ModuleHooks["logTransaction"]>[] = [];

  constructor(readonly parts: ServiceParts) {
    this.#hosts = new Hosts(parts.config);
    if (parts.extendedStatus) this.#display = new RequestDisplay(parts.scoreboard, parts.seeRequestTail);
    for (const host of this.#hosts.all) {
      this.#settings.set(host, parts.settingsOf(host));
      this.#prepared.set(host, new Map());
    }
    this.settings = this.#settings.get(parts.config.main)!;
    this.#storageMappers = parts.hooks.flatMap(({ mapToStorage }) => mapToStorage ?? []);
    this.#fixups = parts.hooks.flatMap(({ fixups }) => fixups ?? []);
    this.#access = new AccessControl(parts.hooks);
    const lookAhead = new LookAhead({
      pathOptions: parts.pathOptions,
      translators: this.#translators,
      storageMappers: this.#storageMappers,
      place: (exchange) => this.#place(exchange),
      access: this.#access,
    });
    this.#facts = {
      serverSoftware: parts.serverSoftware,
      documentRoot: ({ vhost }) => parts.documentRoot(vhost),
      isReachable: (exchange, kind, target) => lookAhead.isReachable(exchange, kind, target),
    };
    for (const hooks of parts.hooks) {
      if (hooks.translateName) this.#translators.push(hooks.translateName);
      if (hooks.handler) this.#handlers.push(hooks);
      if (hooks.quickHandler) this.#quickHandlers.push(hooks.quickHandler);
      if (hooks.endOfBatch) this.#batchEnds.push(hooks.endOfBatch);
      if (hooks.logTransaction) this.#loggers.push(hooks.logTransaction);
    }
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
    const target = head.target;
    const known = this.#prepared.get(exchange.vhost)!;
    const kept = known.get(target);
    if (kept === undefined) return undefined;
    const { prepared } = kept;
    if (exchange.startClock > prepared.validUntil && !prepared.revalidate(exchange.startClock)) {
      known.delete(target);
      return undefined;
    }
    exchange.path = kept.path;
    exchange.query = kept.query;
    exchange.filename = kept.filename;
    exchange.handler = kept.handler;
    exchange.dir = kept.dir;
    return prepared;
  }

  begin(exchange: Exchange): Reply | undefined {
    const { head } = exchange;
    exchange.vhost = this.#hosts.of(exchange);
    exchange.dir = exchange.vhost.dirDefaults;
    if (this.#hosts.refuses(exchange)) {
      this.parts.log("error", "core", "AH10156", `Unknown host ${head.host}`, exchange);
      return errorReply(exchange, 400);
    }
    const { path, query } = splitTarget(head.target, head.pathStart - head.targetStart);
    exchange.query = query ?? "";
    if (head.form === "asterisk") {
      exchange.path = "*";
      return { status: 200, fields: [], body: { kind: "none" } };
    }
    if (head.form === "authority") {
      return errorReply(exchange, 405, { fields: [["Allow", this.parts.allowedMethods(exchange)]] });
    }
    const options = this.parts.pathOptions(exchange.vhost);
    const normal = normalisePath(path, { ...options, windows: system === "windows" });
    if (normal.path === undefined) {
      this.parts.log("info", "core", normal.ah, `${normal.note}: ${path}`, exchange);
      return errorReply(exchange, normal.status, { note: normal.note });
    }
    exchange.path = normal.path;
    try {
      // What decides about the file's name is without conditions: those may ask for the name.
      exchange.dir = resolveDirectory(exchange.vhost, exchange.path, "");
      // Bytes that are not UTF-8 name no file: what text there is for them names another.
      if (!normal.latin1) { for (const translate of this.#translators) if (translate(exchange)) break; }
      this.#place(exchange);
    } catch (error) {
      return this.#notPlaced(exchange, error);
    }
    for (const quickHandler of this.#quickHandlers) {
      const reply = quickHandler(exchange);
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  /** The request as expressions see it. */
  subjectOf(exchange: Exchange): ExchangeSubject {
    const subject = exchange.subject ?? new ExchangeSubject(exchange, this.#facts);
    exchange.subject = subject;
    return subject;
  }

  /** Finds the values that hold where the request leads, as far as it is known. @throws OverrideError */
  #place(exchange: Exchange): void {
    const { vhost, path, filename, file } = exchange;
    exchange.dir = resolveDirectory(vhost, path, filename, file?.isDirectory, this.subjectOf(exchange));
  }

  /** A .htaccess file that cannot be used refuses what is below it. */
  #notPlaced(exchange: Exchange, error: unknown): Reply {
    if (!(error instanceof OverrideError)) return this.handlerFailed(exchange, error);
    const { status, ah, message } = error;
    this.parts.log(status === 403 ? "crit" : "alert", "core", ah, message, exchange);
    return errorReply(exchange, status);
  }

  bodyLimit(exchange: Exchange): number {
    return this.parts.bodyLimit(exchange.dir);
  }

  wantsBody(exchange: Exchange): boolean {
    return this.#handlers.some((hooks) => hooks.readsBody?.(exchange) === true);
  }

  handle(exchange: Exchange): Reply | Promise<Reply> {
    this.working(exchange);
    try {
      // An application answers for its place whatever the file system says.
      if (!this.#skipsFiles(exchange)) {
        for (const map of this.#storageMappers) {
          const reply = map(exchange);
          if (reply !== undefined) return reply;
        }
      }
      this.#place(exchange);
      return this.#withAccess(exchange);
    } catch (error) {
      return this.#notPlaced(exchange, error);
    }
  }

  #skipsFiles(exchange: Exchange): boolean {
    return this.#handlers.some((hooks) => hooks.skipsFiles?.(exchange) === true);
  }

  /** Answers if the modules let the request pass. @throws OverrideError */
  #withAccess(exchange: Exchange): Reply | Promise<Reply> {
    const refused = this.#refusal(exchange);
    if (refused !== undefined) return refused;
    if (!this.#skipsFiles(exchange)) {
      for (const fixup of this.#fixups) {
        const { filename, file } = exchange;
        const reply = fixup(exchange);
        if (reply !== undefined) return reply;
        if (exchange.filename === filename && exchange.file === file) continue;
        // Another file (an index file): other sections may hold for it.
        this.#place(exchange);
        const refusedFile = this.#refusal(exchange);
        if (refusedFile !== undefined) return refusedFile;
      }
    }
    for (const { handler } of this.#handlers) {
      const reply = handler!(exchange);
      if (reply === undefined) continue;
      if (reply instanceof Promise) return reply.then((later) => varying(exchange, later));
      const whole = varying(exchange, reply);
      if (exchange.cacheable) this.#keep(exchange, whole);
      return whole;
    }
    return errorReply(exchange, 404);
  }

  /** The answer for whom the modules refuse; undefined: it may pass. What takes time to find out is asked again afterwards. */
  #refusal(exchange: Exchange): Reply | Promise<Reply> | undefined {
    const access = this.#access.check(exchange);
    if (access === undefined) return undefined;
    if (access instanceof Promise) return access.then(() => this.#withAccess(exchange));
    this.parts.log("error", access.module, access.ah, access.message, exchange);
    return errorReply(exchange, access.status);
  }

  #keep(exchange: Exchange, reply: Reply): void {
    if (exchange.dependsOn === "request") return;
    const known = this.#prepared.get(exchange.vhost)!;
    if (known.size >= PREPARED_LIMIT) known.delete(known.keys().next().value!);
    const prepared = this.parts.prepare(exchange, reply, this.settingsOf(exchange).serverField);
    if (prepared === undefined) return;
    // .htaccess files are looked at on the long way only.
    if (exchange.dependsOn === "overrides") prepared.revalidate = () => false;
    const { path, query, filename, handler, dir } = exchange;
    known.set(exchange.head.target, { prepared, path, query, filename, handler, dir });
  }

  handlerFailed(exchange: Exchange, error: unknown): Reply {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#logError(exchange, `the handler of ${exchange.head.method} ${exchange.path} failed: ${text}`);
    return errorReply(exchange, 500);
  }

  #logError(exchange: Exchange, message: string): void {
    this.parts.log("error", "core", undefined, message, exchange);
  }

  invalidField(exchange: Exchange, error: Error): Reply {
    this.parts.log("error", "core", "AH02429", error.message, exchange);
    return errorReply(exchange, 500);
  }

  streamFailed(exchange: Exchange, error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#logError(
      exchange,
      `the response body for ${exchange.head.method} ${exchange.path} failed: ${text}`,
    );
  }

  protocolError(error: ProtocolError, exchange: Exchange): Reply {
    exchange.vhost ??= this.parts.config.main;
    this.parts.log("info", "core", error.ah, error.message, exchange);
    return errorReply(exchange, error.status, { note: error.note, close: true });
  }

  timedOut(exchange: Exchange): Reply {
    exchange.vhost ??= this.parts.config.main;
    this.parts.log("info", "reqtimeout", "AH01382", "Request header or body read timeout", exchange);
    return errorReply(exchange, 408, { close: true });
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
    for (const endOfBatch of this.#batchEnds) endOfBatch();
  }

  /** The thread ends. */
  endOfThread(): void {
    for (const { threadEnd } of this.parts.hooks) threadEnd?.();
  }
}

/** The reply with the fields in Vary that conditions have looked at. */
function varying({ varyOn }: Exchange, reply: Reply): Reply {
  if (varyOn === undefined) return reply;
  return { ...reply, fields: [...reply.fields, ["Vary", [...varyOn].join(", ")]] };
}
