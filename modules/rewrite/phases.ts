// When are rules applied, and how is what they say carried out? The hooks of mod_rewrite.

import { NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { InternalRedirect, type ModuleHooks, type ThreadContext } from "../../server/request/module.ts";
import { ownUrl } from "../../server/request/self_name.ts";
import { escapedPath } from "../alias/rules.ts";
import { documentRootOf } from "../../server/core/document_root.ts";
import { Option as PlaceOption, optionsOf } from "../../server/core/place_options.ts";
import type { RewriteMap } from "./maps.ts";
import { closeProgramMaps, openProgramMaps } from "./program_map.ts";
import { applyRules, isAbsoluteUrl, type Journey, type Outcome } from "./rules.ts";
import type { Option, RewriteRules } from "./settings.ts";

/** Where the rules of a request are. */
export interface RulesOf {
  ofHost(exchange: Exchange, main: Exchange["vhost"]): RewriteRules | undefined;
  ofPlace(exchange: Exchange): RewriteRules;
  mapsOf(exchange: Exchange): ReadonlyMap<string, RewriteMap>;
}

/** What rules have said that a later phase does. */
interface Later {
  end: boolean;
  readonly cookies: string[];
  type: string | undefined;
  handler: string | undefined;
}

/** A query as a field may have it. */
function escapedQuery(query: string): string {
  return query.split("?").map(escapedPath).join("%3f");
}

/** Location of a redirect: what the rules have made, but for scheme and host, is escaped. */
function locationOf({ name, query, exchange }: Journey, escape: boolean): string {
  const [, host = "", path] = /^([a-z][a-z0-9+.-]*:(?:\/\/[^/]*)?)?(.*)$/is.exec(name)!;
  const whole = escape ? host + escapedPath(path) : name;
  if (query === "") return whole;
  return `${whole}?${escape && query !== exchange.query ? escapedQuery(query) : query}`;
}

/** Whether the first directory of a file name is there, and is the configuration's choice rather than the client's. */
function isFileName(journey: Journey, { last }: Outcome, options: ReadonlySet<Option>): boolean {
  const first = /^\/[^/]*/.exec(journey.name)?.[0] ?? "/";
  const source = last?.substitution?.source ?? "";
  const chosen = source.startsWith(`${first}/`) || options.has("UnsafePrefixStat") ||
    last?.flags.prefixStat === true;
  return first !== "/" && chosen && journey.subject.files.stat(first) !== undefined;
}

export function rewriteHooks({ ofHost, ofPlace, mapsOf }: RulesOf): ModuleHooks {
  let thread: ThreadContext;
  const known = new WeakMap<Exchange, Later>();
  /** No request needs to be looked up before some rule has left something to do. */
  let used = false;

  function laterOf(exchange: Exchange): Later {
    used = true;
    const later = known.get(exchange) ?? { end: false, cookies: [], type: undefined, handler: undefined };
    known.set(exchange, later);
    return later;
  }

  function journeyOf(exchange: Exchange, name: string, directory: string | undefined): Journey {
    // Of another client, or at another time, they may say something else.
    exchange.dependsOn = "request";
    return {
      exchange,
      subject: thread.subjectOf(exchange),
      maps: mapsOf(exchange),
      name,
      query: exchange.query,
      pathInfo: exchange.pathInfo,
      rule: [],
      condition: [],
      looked: new Set(),
      directory,
      trace: (message) => thread.log("trace3", undefined, message, exchange),
      effects: {
        variable(variable, value) {
          if (value === undefined) exchange.environment?.delete(variable);
          else (exchange.environment ??= new Map()).set(variable, value);
        },
        cookie: (text) => laterOf(exchange).cookies.push(text),
        type(type) {
          laterOf(exchange).type = type;
        },
        handler(handler) {
          laterOf(exchange).handler = handler;
        },
      },
    };
  }

  /** The reply where the rules end the request. */
  function ended(journey: Journey, outcome: Outcome): Reply | undefined {
    const { exchange, name } = journey;
    const { refused, status = 0, escape, end } = outcome;
    if (end) laterOf(exchange).end = true;
    if (refused) {
      return status >= 300 ? errorReply(status) : { status, fields: [], body: NO_BODY };
    }
    // What no field may have is the client's (B escapes it); in a Location it is escaped.
    const unsent = !isAbsoluteUrl(name) || !escape;
    if (unsent && /[\0-\x20\x7f]/.test(journey.query) && journey.query !== exchange.query) {
      thread.log(
        "error",
        "AH10410",
        "Rewritten query string contains control characters or spaces",
        exchange,
      );
      return errorReply(403);
    }
    if (!outcome.changed || outcome.proxy) return undefined;
    if (isAbsoluteUrl(name)) return errorReply(status, { location: locationOf(journey, escape) });
    exchange.query = journey.query;
    return name.startsWith("/") ? undefined : errorReply(400);
  }

  /** Another server answers, at the URL that the rules have made; which of its parts the client has chosen is the rule's affair. */
  function leadElsewhere(journey: Journey, { last, escape }: Outcome): true | Reply {
    const { exchange, name } = journey;
    // A socket of this machine is named by who writes rules, never by what a client sends.
    const socket = /^unix:[^|]*\|/i.exec(name)?.[0] ?? "";
    const source = last?.substitution?.source ?? "";
    if (/^unix:/i.test(name) && (socket === "" || !source.startsWith(socket))) {
      thread.log("error", "AH10292", `Invalid proxy UDS filename: ${name}`, exchange);
      return errorReply(400);
    }
    const url = name.slice(socket.length);
    const [, host = "", path] = /^([a-z][a-z0-9+.-]*:\/\/[^/?]*)?(.*)$/is.exec(url)!;
    exchange.filename = `proxy:${socket}${host}${escape ? escapedPath(path) : path}`;
    exchange.query = journey.query;
    exchange.handler = "proxy-server";
    return true;
  }

  function isOver(exchange: Exchange): boolean {
    return used && known.get(exchange)?.end === true;
  }

  function translateName(exchange: Exchange): boolean | Reply {
    const rules = ofHost(exchange, thread.config.main);
    if (rules?.engine !== true || rules.rules.length === 0 || isOver(exchange)) return false;
    const journey = journeyOf(exchange, exchange.path, undefined);
    const environment = exchange.environment ??= new Map();
    environment.set("SCRIPT_URL", exchange.path);
    environment.set("SCRIPT_URI", ownUrl(exchange) + exchange.path);
    const outcome = applyRules(rules.rules, journey);
    const reply = ended(journey, outcome);
    if (reply !== undefined) return reply;
    if (!outcome.changed) return false;
    if (outcome.proxy) return leadElsewhere(journey, outcome);
    if (outcome.passThrough) {
      exchange.path = journey.name;
      return false;
    }
    const root = documentRootOf(exchange);
    exchange.filename = root === undefined || isFileName(journey, outcome, rules.options)
      ? journey.name
      : root + journey.name;
    return true;
  }

  /** The path by which a client would ask for what the rules of a directory have made. */
  function pathOf(name: string, { base, directory = "" }: RewriteRules, exchange: Exchange): string {
    if (base !== undefined) return name.startsWith(directory) ? base + name.slice(directory.length) : name;
    const root = documentRootOf(exchange);
    return root !== undefined && name.startsWith(`${root}/`) ? name.slice(root.length) : name;
  }

  function fixups(exchange: Exchange): Reply | InternalRedirect | undefined {
    const rules = ofPlace(exchange);
    const redirect = rules.engine === true && rules.rules.length > 0 ? inPlace(exchange, rules) : undefined;
    const later = used ? known.get(exchange) : undefined;
    if (redirect === undefined && later !== undefined) {
      exchange.contentType = later.type ?? exchange.contentType;
      exchange.handler = later.handler ?? exchange.handler;
    }
    return redirect;
  }

  function inPlace(exchange: Exchange, rules: RewriteRules): Reply | InternalRedirect | undefined {
    const { filename } = exchange;
    const { directory } = rules;
    if (directory === undefined || filename === "" || isOver(exchange)) return undefined;
    // The rules of a directory are not for its own name without a slash: mod_dir adds that.
    if (`${filename}/` === directory && !rules.options.has("AllowNoSlash")) return undefined;
    if ((optionsOf(exchange.dir) & (PlaceOption.FollowSymLinks | PlaceOption.SymLinksIfOwnerMatch)) === 0) {
      thread.log(
        "error",
        "AH00670",
        "Options FollowSymLinks and SymLinksIfOwnerMatch are both off, so the RewriteRule directive is also " +
          `forbidden due to its similar ability to circumvent directory restrictions : ${filename}`,
        exchange,
      );
      return errorReply(403);
    }
    const journey = journeyOf(exchange, filename, directory);
    const outcome = applyRules(rules.rules, journey);
    if (outcome.changed && isAbsoluteUrl(journey.name)) {
      // The directory is not what clients know it by.
      const own = ownUrl(exchange);
      const name = journey.name.startsWith(`${own}/`) ? journey.name.slice(own.length) : undefined;
      if (name !== undefined) journey.name = own + pathOf(name, rules, exchange);
    }
    const reply = ended(journey, outcome);
    if (reply !== undefined || !outcome.changed) return reply;
    if (outcome.proxy) {
      const refused = leadElsewhere(journey, outcome);
      return refused === true ? undefined : refused;
    }
    if (journey.name === filename) return undefined;
    const path = pathOf(journey.name, rules, exchange);
    return new InternalRedirect(escapedPath(path) + (exchange.query === "" ? "" : `?${exchange.query}`));
  }

  return {
    threadInit(context) {
      thread = context;
      openProgramMaps(context);
    },
    threadEnd: closeProgramMaps,
    translateName,
    fixups,
    // Whether a rule leads elsewhere is known when the body may have come: it is left for who asks there.
    readsBody: (exchange) => ofPlace(exchange).rules.some(({ flags }) => flags.proxy),
    filterReply(exchange, reply) {
      const cookies = used ? known.get(exchange)?.cookies ?? [] : [];
      if (cookies.length === 0) return reply;
      const fields = cookies.map((text) => ["Set-Cookie", text] as const);
      return {
        ...reply,
        fields: [...reply.fields, ...fields.map(([name, value]) => [name, value] as [string, string])],
      };
    },
  };
}
