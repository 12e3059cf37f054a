// Who has been here before? mod_usertrack: a cookie with a number of its own for each client, for the access log (`%{cookie}n`).

import {
  ArgumentError,
  type Context,
  type Directive,
  dirKey,
  flag,
  oneOf,
  type ServerConfig,
  type Target,
  words,
} from "../../server/config/mod.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule } from "../../server/request/module.ts";

/** What a place says; one that says anything but the lifetime says everything. */
interface Tracking {
  used: boolean;
  on: boolean;
  name: string;
  /** Finds the value in Cookie. */
  pattern: RegExp;
  domain: string | undefined;
  style: "Netscape" | "Cookie" | "Cookie2";
  sameSite: string | undefined;
  secure: boolean;
  httpOnly: boolean;
  /** Seconds; 0: as long as the client runs. */
  lifetime: number | undefined;
}

const trackingDir = dirKey<Tracking>("usertrack", {
  create: () => ({
    used: false,
    on: false,
    name: "Apache",
    pattern: patternFor("Apache"),
    domain: undefined,
    style: "Netscape",
    sameSite: undefined,
    secure: false,
    httpOnly: false,
    lifetime: undefined,
  }),
  merge: (base, over) => ({ ...over.used ? over : base, lifetime: over.lifetime ?? base.lifetime }),
});

function patternFor(name: string): RegExp {
  const escaped = name.replace(
    /[^0-9A-Za-z]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return new RegExp(`(?:^|[;,][ \\t]*)${escaped}=([^;,]+)`);
}

const STYLES = {
  netscape: "Netscape",
  cookie: "Cookie",
  rfc2109: "Cookie",
  cookie2: "Cookie2",
  rfc2965: "Cookie2",
} as const;

/** By the beginnings that tell them apart. */
const UNITS: readonly (readonly [start: string, seconds: number])[] = [
  ["y", 365 * 86_400],
  ["mo", 30 * 86_400],
  ["w", 7 * 86_400],
  ["d", 86_400],
  ["h", 3600],
  ["mi", 60],
  ["s", 1],
];

/** `3600`, or `plus 1 month 2 days`; in seconds. @throws ArgumentError */
export function parseLifetime(text: string): number {
  if (/^\d(?:.*\d)?$/.test(text)) return Number.parseInt(text);
  const parts = words(text);
  if (/^p/i.test(parts[0] ?? "")) parts.shift();
  let seconds = 0;
  for (let at = 0; at < parts.length; at += 2) {
    if (!/^\d/.test(parts[at])) throw new ArgumentError("bad expires code, numeric value expected.");
    const unit = parts[at + 1]?.toLowerCase();
    if (unit === undefined) throw new ArgumentError("bad expires code, missing <type>");
    const known = UNITS.find(([start]) => unit.startsWith(start));
    if (known === undefined) throw new ArgumentError("bad expires code, unrecognized type");
    seconds += Number.parseInt(parts[at]) * known[1];
  }
  return seconds;
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

function row(
  name: string,
  value: string,
  help: string,
  set: (tracking: Tracking, arg: string) => void,
  more: Partial<Directive> = {},
): Directive {
  return {
    name,
    contexts: EVERYWHERE,
    args: 1,
    syntax: `${name} ${value}`,
    help,
    override: "FileInfo",
    apply([arg], to: Target) {
      const tracking = to.dir.get(trackingDir);
      tracking.used ||= name !== "CookieExpires";
      set(tracking, arg);
    },
    ...more,
  };
}

const directives: readonly Directive[] = [
  row(
    "CookieTracking",
    "On|Off",
    "Whether clients get a cookie by which the log tells them apart",
    (tracking, arg) => {
      tracking.on = flag(arg);
    },
    { default: "Off" },
  ),
  row("CookieName", "token", "The name of that cookie", (tracking, arg) => {
    tracking.name = arg;
    tracking.pattern = patternFor(arg);
  }, { default: "Apache" }),
  row(
    "CookieDomain",
    "domain",
    "The hosts that get it: all of a domain, which begins with a dot",
    (tracking, arg) => {
      if (arg === "") throw new ArgumentError("CookieDomain values may not be null");
      if (!arg.startsWith(".")) throw new ArgumentError("CookieDomain values must begin with a dot");
      if (!arg.includes(".", 1)) {
        throw new ArgumentError("CookieDomain values must contain at least one embedded dot");
      }
      tracking.domain = arg;
    },
  ),
  row("CookieExpires", 'seconds|"[plus] number unit ..."', "How long clients keep it", (tracking, arg) => {
    tracking.lifetime = parseLifetime(arg);
  }, { differs: "It holds for its place, not for the whole host." }),
  row(
    "CookieStyle",
    "Netscape|Cookie|Cookie2|RFC2109|RFC2965",
    "In which form it is set",
    (tracking, arg) => {
      const style = new Map(Object.entries(STYLES)).get(arg.toLowerCase());
      if (style === undefined) throw new ArgumentError(`Invalid CookieStyle keyword: '${arg}'`);
      tracking.style = style;
    },
    { default: "Netscape" },
  ),
  row(
    "CookieSameSite",
    "None|Lax|Strict",
    "Whether it is sent with requests that come from other sites",
    (tracking, arg) => {
      tracking.sameSite = oneOf(arg, ["None", "Lax", "Strict"]);
    },
  ),
  row("CookieSecure", "On|Off", "Only over TLS", (tracking, arg) => {
    tracking.secure = flag(arg);
  }, { default: "Off" }),
  row("CookieHTTPOnly", "On|Off", "Not for scripts of pages", (tracking, arg) => {
    tracking.httpOnly = flag(arg);
  }, { default: "Off" }),
];

/** `Fri, 27-Nov-26 03:49:00 GMT`, as cookies had it first. */
function oldDate(time: number): string {
  const [weekday, day, month, year, clock] = new Date(time).toUTCString().replace(",", "").split(" ");
  return `${weekday}, ${day}-${month}-${year.slice(2)} ${clock} GMT`;
}

/** What Set-Cookie says. */
function cookieOf(tracking: Tracking, value: string, now: number): string {
  const { name, lifetime = 0, style, domain, sameSite, secure, httpOnly } = tracking;
  let text = `${name}=${value}; path=/`;
  if (lifetime > 0) {
    text += style === "Netscape" ? `; expires=${oldDate(now + lifetime * 1000)}` : `; max-age=${lifetime}`;
  }
  if (domain !== undefined) text += `; domain=${domain}${style === "Cookie2" ? "; version=1" : ""}`;
  if (sameSite !== undefined) text += `; SameSite=${sameSite}`;
  if (secure) text += "; Secure";
  if (httpOnly) text += "; HttpOnly";
  return text;
}

function isUsed(config: ServerConfig): boolean {
  return [config.main, ...config.hosts].some(({ resolver }) => resolver.readsOverrides) ||
    config.allDirStores().some((store) => store.get(trackingDir).on);
}

function hooks(config: ServerConfig): ModuleHooks {
  if (!isUsed(config)) return {};
  const given = new WeakMap<Exchange, readonly [name: string, value: string]>();
  return {
    fixups(exchange) {
      const tracking = exchange.dir.get(trackingDir);
      if (!tracking.on || exchange.main !== undefined || given.has(exchange)) return undefined;
      // Each client has its own, and the log is to have it.
      exchange.dependsOn = "request";
      const notes = exchange.ownNotes ??= new Map();
      const known = tracking.pattern.exec(exchange.head.field(Field.Cookie) ?? "")?.[1];
      if (known !== undefined) {
        notes.set("cookie", known);
        return undefined;
      }
      const [random] = crypto.getRandomValues(new Uint32Array(1));
      const now = exchange.startTime;
      const value = `${random.toString(16)}.${BigInt(Math.floor(now * 1000)).toString(16)}`;
      notes.set("cookie", value);
      const field = tracking.style === "Cookie2" ? "Set-Cookie2" : "Set-Cookie";
      given.set(exchange, [field, cookieOf(tracking, value, now)]);
      return undefined;
    },
    filterReply(exchange, reply) {
      const field = given.get(exchange);
      return field === undefined ? reply : { ...reply, fields: [...reply.fields, field] };
    },
  };
}

export const usertrack: ServerModule = {
  name: "usertrack_module",
  source: "mod_usertrack.c",
  directives,
  hooks,
};
