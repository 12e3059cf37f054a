// How does a request get to another server? mod_proxy: which requests are another server's, what becomes of those that it does not
// answer, and what its answers look like to clients. The protocols are modules of their own.

import type { OutgoingConnection } from "../../mpm/mod.ts";
import {
  ArgumentError,
  ConfigError,
  type DirStore,
  mergeStores,
  type ServerConfig,
} from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreDir, coreServer } from "../../server/core/config.ts";
import { discardReply } from "../../server/http/engine/body_sender.ts";
import type { Body, Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { isElsewhere } from "../../server/request/phases.ts";
import { isOpen } from "../../platform/posix.ts";
import { loadSockets } from "../../platform/sockets.ts";
import { proxyHost, proxyPlace } from "./config.ts";
import { Conversation } from "./conversation.ts";
import type { Failure } from "./conversation_parts.ts";
import type { BackendHead } from "./protocol.ts";
import { directives } from "./directives.ts";
import { returnedFields } from "./forwarding.ts";
import { backendFor } from "./mapping.ts";
import { prefetchedBody } from "./prefetched_body.ts";
import type { Call, Scheme, SchemeMaker } from "./scheme.ts";
import { METHODS } from "../proxy_balancer/balancer.ts";
import { balancerManager } from "../proxy_balancer/manager.ts";
import { sharedNonce } from "../proxy_balancer/shared_members.ts";
import { startChecks } from "../proxy_hcheck/checks.ts";
import { countMember, type Route, Routes } from "./routes.ts";
import type { Worker } from "./worker.ts";
import { Workers } from "./workers.ts";

/** A body up to this size (bytes) is received as a whole before a backend is asked: it can be sent again. */
const WHOLE_BODY = 65_536;
const PREFIX = "proxy:";
const HANDLER = "proxy-server";
const MANAGER = "balancer-manager";
/** Methods that may be made twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** The URL in `proxy:url` of SetHandler and rules; undefined: it is none. */
export function proxyUrl(text: string | undefined): string | undefined {
  return text?.startsWith(PREFIX) === true ? text.slice(PREFIX.length) : undefined;
}

class ProxyHooks implements ModuleHooks {
  #thread!: ThreadContext;
  #workers!: Workers;
  #routes!: Routes;
  #nonce = "";
  #endChecks: () => void = () => {};
  #schemes!: ReadonlyMap<string, Scheme>;
  /** Some place says `SetHandler proxy:...`, or files of users may. */
  #handlersAnywhere = false;
  readonly #merged = new WeakMap<DirStore, Map<DirStore, DirStore>>();
  readonly #makers: readonly SchemeMaker[];

  constructor(makers: readonly SchemeMaker[]) {
    this.#makers = makers;
  }

  readonly loadLibraries = (): void => {
    if (isOpen()) loadSockets();
  };

  readonly threadInit = (thread: ThreadContext): void => {
    this.#thread = thread;
    const schemes = this.#makers.map((make) => make(thread));
    this.#schemes = new Map(schemes.flatMap((scheme) => scheme.names.map((name) => [name, scheme] as const)));
    this.#workers = new Workers(thread.outgoing, this.#schemes, 1);
    const { config } = thread;
    this.#routes = new Routes(this.#workers, thread);
    const balancers = [
      ...new Set([config.main, ...config.hosts].flatMap((host) => this.#routes.balancersOf(host))),
    ];
    if (balancers.length > 0) this.#nonce = sharedNonce(thread.scoreboard.moduleWords);
    this.#endChecks = startChecks(balancers, (level, ah, message) => thread.log(level, ah, message));
    this.#handlersAnywhere = [config.main, ...config.hosts].some(({ resolver }) => resolver.readsOverrides) ||
      [...config.allDirStores()].some((store) => proxyUrl(store.get(coreDir).handler) !== undefined);
  };

  readonly translateName = (exchange: Exchange): boolean => {
    const found = backendFor(exchange);
    if (found === undefined) return false;
    exchange.filename = PREFIX + found.url;
    exchange.handler = HANDLER;
    if (found.noQuery) exchange.query = "";
    return true;
  };

  /** Values of <Proxy> sections hold for what is asked of the URLs that they name. */
  readonly placeValues = (exchange: Exchange): DirStore => {
    const { filename, vhost } = exchange;
    let { dir } = exchange;
    if (!isElsewhere(filename)) return dir;
    for (const section of vhost.store.get(proxyHost).sections) {
      if (!section.matches(filename.slice(PREFIX.length))) continue;
      let known = this.#merged.get(dir);
      if (known === undefined) this.#merged.set(dir, known = new Map());
      let merged = known.get(section.dir);
      if (merged === undefined) known.set(section.dir, merged = mergeStores(dir, section.dir));
      dir = merged;
    }
    return dir;
  };

  readonly skipsFiles = (exchange: Exchange): boolean => isElsewhere(exchange.filename);

  readonly readsBody = (exchange: Exchange): boolean =>
    isElsewhere(exchange.filename) || this.#handlersAnywhere || exchange.dir.get(coreDir).handler === MANAGER;

  readonly handler = (exchange: Exchange): Reply | Promise<Reply> | undefined => {
    const { filename, handler } = exchange;
    if (isElsewhere(filename)) return this.#ask(exchange, filename.slice(PREFIX.length), undefined);
    if (handler === MANAGER) {
      return balancerManager(exchange, this.#routes.balancersOf(exchange.vhost), this.#nonce);
    }
    const url = proxyUrl(handler);
    return url === undefined ? undefined : this.#ask(exchange, url, filename);
  };

  /** Asks the server of `url`. `file`: what SetHandler is about. */
  #ask(exchange: Exchange, url: string, file: string | undefined): Reply | Promise<Reply> {
    const { head, vhost, query } = exchange;
    const host = vhost.store.get(proxyHost);
    let route;
    try {
      route = this.#routes.find(exchange, url);
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      this.#thread.log("error", "AH00898", `URI cannot be parsed: ${url}: ${error.message}`, exchange);
      return errorReply(400);
    }
    if (typeof route === "string") {
      const [, name] = /^(balancer:\/\/[^/]*)/i.exec(url) ?? [];
      if (route === "no member") {
        this.#thread.log("error", "AH01170", `${name}: All workers are in error state`, exchange);
        return errorReply(503);
      }
      this.#thread.log("error", "AH01171", `${name}: there is no such balancer`, exchange);
      return errorReply(500);
    }
    const { worker } = route;
    const path = route.pathFor(worker);
    const scheme = this.#schemes.get(worker.url.scheme);
    if (scheme === undefined) {
      const message =
        `No protocol handler was valid for the URL ${exchange.path} (scheme '${worker.url.scheme}').`;
      this.#thread.log("warn", "AH01144", message, exchange);
      return errorReply(500);
    }
    if (host.blocked.some((word) => word === "*" || worker.url.host.includes(word))) {
      this.#thread.log("warn", "AH00917", `connect to remote machine ${worker.url.host} blocked`, exchange);
      return errorReply(403, { note: "Connect to remote machine blocked" });
    }
    if (this.#loops(exchange, host.maxForwards)) {
      return errorReply(502, { note: "Max-Forwards has reached zero - proxy loop?" });
    }
    const target = query === "" ? path : `${path}?${query}`;
    if (/[\0-\x20\x7f]/.test(target)) {
      const message = "To be forwarded path or query string contains control characters or spaces";
      this.#thread.log("warn", "AH10415", message, exchange);
      return errorReply(403);
    }
    if (worker.failed && route.balancer === undefined) {
      this.#thread.log(
        "error",
        "AH00940",
        `${scheme.title}: disabled connection for (${worker.label})`,
        exchange,
      );
      return errorReply(503);
    }
    const hasBody = head.bodyKind !== "none" && exchange.body !== undefined;
    const call: Call = {
      exchange,
      target,
      bodyLength: !hasBody ? -1 : head.bodyKind === "length" ? head.contentLength : undefined,
      expects: hasBody && head.expectContinue && exchange.dir.get(proxyPlace).forwards100 !== false,
      file,
    };
    if (!hasBody) return this.#converse(call, route, undefined, undefined);
    const body = exchange.body!;
    if (call.bodyLength === undefined && scheme.lengthless === "refused") return errorReply(411);
    if (call.bodyLength === undefined && scheme.lengthless === "prefetched") {
      return prefetchedBody(body, WHOLE_BODY).then((found) => {
        const asked = { ...call, expects: false };
        return "stream" in found
          ? this.#converse(asked, route, undefined, found.stream)
          : this.#converse({ ...asked, bodyLength: found.whole.length }, route, found.whole, undefined);
      });
    }
    if (call.bodyLength === undefined || call.bodyLength > WHOLE_BODY || call.expects) {
      return this.#converse(call, route, undefined, () => body.stream());
    }
    return body.whole().then((whole) =>
      this.#converse({ ...call, bodyLength: whole.length }, route, whole, undefined)
    );
  }

  /** Whether the request has been through as many proxies as it may. */
  #loops({ head }: Exchange, most = -1): boolean {
    const forwards = head.field(Field.MaxForwards);
    return most >= 0 && forwards !== undefined && /^\d+$/.test(forwards) && Number(forwards) < 1;
  }

  #converse(
    call: Call,
    route: Route,
    whole: Uint8Array<ArrayBuffer> | undefined,
    stream: (() => ReadableStream<Uint8Array<ArrayBuffer>>) | undefined,
  ): Promise<Reply> {
    const { exchange } = call;
    const { balancer } = route;
    const host = exchange.vhost.store.get(proxyHost);
    const timeout = host.timeout ?? exchange.vhost.store.get(coreServer).timeout ?? CORE_DEFAULTS.timeout;
    const schemeOf = (worker: Worker) => this.#schemes.get(worker.url.scheme)!;
    const { query } = exchange;
    const callFor = (worker: Worker): Call => {
      const path = route.pathFor(worker);
      return { ...call, target: query === "" ? path : `${path}?${query}` };
    };
    const conversation = new Conversation({
      exchange,
      worker: route.worker,
      next: (failed) => route.next(failed),
      protocol: (of) => schemeOf(of).protocol(balancer === undefined ? call : callFor(of), of),
      whole,
      stream,
      timeout: (of) => of.values.timeout ?? timeout,
      repeatable: IDEMPOTENT.has(exchange.method),
      reply: (head, body, of) => {
        if (balancer?.config.values.failOnStatus?.includes(head.status) === true) {
          route.memberOf(of)?.noteFailure();
        }
        return this.#reply(exchange, head, body);
      },
      upgraded: (head, connection, rest) =>
        this.#upgraded(call, schemeOf(route.worker), head, connection, rest),
      failed: (failure, reason, of) => {
        const member = route.memberOf(of);
        const counts = failure === "connect" || failure === "lookup" ||
          (failure === "timeout" && balancer?.config.values.failOnTimeout === true);
        if (counts) member?.noteFailure();
        return this.#failed(exchange, schemeOf(of), failure, reason, of, member === undefined);
      },
      log: (level, ah, message) => this.#thread.log(level, ah, message, exchange),
      begun(of) {
        of.busy++;
        if (balancer !== undefined) countMember(route.memberOf(of), 1);
      },
      over(of, _status, sent, received) {
        of.busy--;
        if (balancer !== undefined) countMember(route.memberOf(of), -1, sent, received);
      },
    });
    const answer = conversation.run();
    exchange.awaitsDescriptor = this.#thread.outgoing().direct && conversation.direct;
    return answer;
  }

  #upgraded(
    call: Call,
    scheme: Scheme,
    head: BackendHead,
    connection: OutgoingConnection,
    rest: Uint8Array<ArrayBuffer>,
  ): Reply {
    if (scheme.upgraded !== undefined) {
      const { fields, origin } = this.#returned(call.exchange, head);
      return { ...scheme.upgraded(call, { ...head, fields }, connection, rest), origin };
    }
    connection.close();
    return errorReply(502);
  }

  #returned(exchange: Exchange, head: BackendHead) {
    const { via } = exchange.vhost.store.get(proxyHost);
    const { description } = this.#thread.server;
    const { fields, contentType, date, server } = returnedFields(
      exchange,
      head,
      via,
      description,
      (url) => this.#routes.membersOf(exchange.vhost, url),
    );
    return { fields, contentType, origin: { date, server } };
  }

  /** What the client gets of a backend's answer. */
  #reply(exchange: Exchange, head: BackendHead, body: Body): Reply {
    const { status } = head;
    const { errorOverride } = exchange.dir.get(proxyPlace);
    const { fields, contentType, origin } = this.#returned(exchange, head);
    const overrides = errorOverride?.on === true && status >= 400 &&
      (errorOverride.codes.length === 0 || errorOverride.codes.includes(status));
    if (overrides) {
      discardReply({ status, fields, body });
      return errorReply(status, {
        fields: fields.filter(([name]) => /^(?:www|proxy)-authenticate$/i.test(name)),
      });
    }
    return {
      status,
      reason: head.reason === "" ? undefined : head.reason,
      fields,
      contentType,
      origin,
      body,
      declaredLength: head.bodiless && exchange.method === "HEAD" ? head.length : undefined,
    };
  }

  /** What the client gets when a backend does not answer. */
  #failed(
    exchange: Exchange,
    scheme: Scheme,
    failure: Failure,
    reason: string,
    worker: Worker,
    alone: boolean,
  ): Reply {
    const log = (ah: string, message: string) => this.#thread.log("error", ah, message, exchange);
    const { label, url: { host } } = worker;
    switch (failure) {
      case "lookup":
        log("AH00898", `DNS lookup failure for: ${host} returned by ${exchange.path}`);
        return errorReply(502, { note: `Reason: DNS lookup failure for: ${host}` });
      case "connect":
        if (alone) worker.noteFailure();
        log("AH00957", `${reason}: ${scheme.title}: attempt to connect to ${label} (${host}) failed`);
        log("AH01114", `${scheme.title}: failed to make connection to backend: ${host}`);
        return errorReply(503);
      case "busy":
        log("AH00941", `${scheme.title}: failed to acquire connection for (${label})`);
        return errorReply(503);
      case "timeout":
        log("AH01102", `${reason}: error reading status line from remote server ${label}`);
        log("AH00898", `Error reading from remote server returned by ${exchange.path}`);
        return errorReply(504);
      case "read":
        log("AH01102", `${reason}: error reading status line from remote server ${label}`);
        log("AH00898", `Error reading from remote server returned by ${exchange.path}`);
        return errorReply(502, { note: "Reason: Error reading from remote server" });
      case "bad":
        log("AH00898", `Error reading from remote server returned by ${exchange.path}`);
        return errorReply(502, { note: "Reason: Error reading from remote server" });
    }
  }

  readonly threadEnd = (): void => {
    this.#endChecks();
    this.#workers.close();
  };
}

const UNKNOWN = { file: "the configuration", line: 0 };

/** What cannot work is refused before it is run. */
function checkConfig(schemes: readonly string[]): NonNullable<ServerModule["checkConfig"]> {
  return (config: ServerConfig) => {
    for (const { store, where } of [config.main, ...config.hosts]) {
      const host = store.get(proxyHost);
      for (const { name, values, members } of host.balancers.values()) {
        const method = values.lbmethod?.replace(/^lbmethod_/, "");
        if (method !== undefined && !METHODS.some((each) => each === method)) {
          const message = `balancer://${name}: there is no method '${values.lbmethod}'; there are ${
            METHODS.join(", ")
          }`;
          throw new ConfigError(where ?? UNKNOWN, message, "ProxySet");
        }
        if (members.length === 0 && !name.includes("*")) {
          throw new ConfigError(where ?? UNKNOWN, `balancer://${name} has no members`, "<Proxy>");
        }
      }
      const configs = [
        ...host.workers.values(),
        ...[...host.balancers.values()].flatMap(({ members }) => members),
      ];
      for (const { url } of configs) {
        if (schemes.includes(url.scheme)) continue;
        const message = `${url.text}: there is no protocol '${url.scheme}' for backends; there are ${
          schemes.join(", ")
        }`;
        throw new ConfigError(where ?? UNKNOWN, message, "ProxyPass");
      }
    }
  };
}

/** The module with the protocols of `schemes`: their makers, by name. */
export function proxy(schemes: Readonly<Record<string, SchemeMaker>>): ServerModule {
  return {
    name: "proxy_module",
    source: "mod_proxy.c",
    directives,
    checkConfig: checkConfig(Object.keys(schemes)),
    // Health checks have timers of their own.
    usesEventLoop: (config) =>
      [config.main, ...config.hosts].some(({ store }) =>
        [...store.get(proxyHost).balancers.values()].some(({ members }) =>
          members.some(({ values }) => (values.checks?.method ?? "NONE") !== "NONE")
        )
      ),
    hooks: () => new ProxyHooks([...new Set(Object.values(schemes))]),
  };
}
