// How long may caches keep an answer? mod_expires: Expires and Cache-Control by media type.

import { ArgumentError, type Context, type Directive, dirKey, flag } from "../../server/config/mod.ts";
import { formatHttpDate } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";

/** Seconds from the request, or from the file's modification, on. */
interface Lifetime {
  readonly from: "access" | "modification";
  readonly seconds: number;
}

interface ExpiresSettings {
  active: boolean | undefined;
  byDefault: Lifetime | undefined;
  /** By media type in lower case, or `type/*`. */
  byType: ReadonlyMap<string, Lifetime>;
}

const expiresDir = dirKey<ExpiresSettings>("expires", {
  create: () => ({ active: undefined, byDefault: undefined, byType: new Map() }),
  merge: (base, over) => ({
    active: over.active ?? base.active,
    byDefault: over.byDefault ?? base.byDefault,
    byType: new Map([...base.byType, ...over.byType]),
  }),
});

const UNITS: Readonly<Record<string, number>> = {
  year: 365 * 86_400,
  month: 30 * 86_400,
  week: 7 * 86_400,
  day: 86_400,
  hour: 3600,
  minute: 60,
  second: 1,
};

/** `A3600`, `M3600`, or `access plus 1 month 2 days`. @throws ArgumentError */
export function parseLifetime(text: string): Lifetime {
  const short = /^([AM])(-?\d{1,10})$/i.exec(text);
  if (short !== null) {
    return { from: short[1].toUpperCase() === "M" ? "modification" : "access", seconds: Number(short[2]) };
  }
  const [base = "", ...words] = text.trim().toLowerCase().split(/\s+/);
  const rest = words[0] === "plus" ? words.slice(1) : words;
  const from = base === "modification"
    ? "modification"
    : base === "access" || base === "now"
    ? "access"
    : undefined;
  if (from === undefined || rest.length === 0 || rest.length % 2 !== 0) {
    throw new ArgumentError(
      `bad expires code "${text}": expected A or M with seconds, or "access plus 1 month"`,
    );
  }
  let seconds = 0;
  for (let i = 0; i < rest.length; i += 2) {
    const unit = rest[i + 1].replace(/s$/, "");
    if (!/^\d{1,10}$/.test(rest[i]) || !Object.hasOwn(UNITS, unit)) {
      throw new ArgumentError(`bad expires code, "${rest[i]} ${rest[i + 1]}" is no length of time`);
    }
    seconds += Number(rest[i]) * UNITS[unit];
  }
  return { from, seconds };
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const directives: readonly Directive[] = [{
  name: "ExpiresActive",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "ExpiresActive On|Off",
  help: "Whether answers get Expires and Cache-Control",
  default: "Off",
  override: "Indexes",
  apply([word], to) {
    to.dir.get(expiresDir).active = flag(word);
  },
}, {
  name: "ExpiresByType",
  contexts: EVERYWHERE,
  args: 2,
  syntax: 'ExpiresByType media-type A|Mseconds|"access|modification [plus] number unit ..."',
  help: "How long answers of a media type may be kept",
  override: "Indexes",
  apply([type, lifetime], to) {
    const settings = to.dir.get(expiresDir);
    settings.byType = new Map([...settings.byType, [type.toLowerCase(), parseLifetime(lifetime)]]);
  },
}, {
  name: "ExpiresDefault",
  contexts: EVERYWHERE,
  args: 1,
  syntax: 'ExpiresDefault A|Mseconds|"access|modification [plus] number unit ..."',
  help: "How long answers may be kept for whose media type nothing else is said",
  override: "Indexes",
  apply([lifetime], to) {
    to.dir.get(expiresDir).byDefault = parseLifetime(lifetime);
  },
}];

function filterReply(exchange: Exchange, reply: Reply): Reply {
  const { active, byDefault, byType } = exchange.dir.get(expiresDir);
  if (active !== true || reply.failure !== undefined || reply.status >= 400 || exchange.method === "TRACE") {
    return reply;
  }
  const type = reply.contentType?.split(";", 1)[0].trim().toLowerCase() ?? "";
  const lifetime = byType.get(type) ?? byType.get(`${type.split("/", 1)[0]}/*`) ?? byDefault;
  if (lifetime === undefined || reply.fields.some(([name]) => name.toLowerCase() === "expires")) return reply;
  const now = Math.floor(exchange.startTime / 1000);
  if (lifetime.from === "modification" && exchange.file === undefined) return reply;
  const from = lifetime.from === "access" ? now : Math.floor(exchange.file!.mtime / 1000);
  // What is over already is over now.
  const until = Math.max(now, from + lifetime.seconds);
  // What is told depends on the time of the request: it cannot be kept.
  exchange.dependsOn = "request";
  const control = reply.fields.find(([name]) => name.toLowerCase() === "cache-control");
  const age = `max-age=${until - now}`;
  const others = reply.fields.filter((field) => field !== control);
  const value = control === undefined ? age : `${control[1]}, ${age}`;
  return { ...reply, fields: [...others, ["Cache-Control", value], ["Expires", formatHttpDate(until)]] };
}

export const expires: ServerModule = {
  name: "expires_module",
  source: "mod_expires.c",
  directives,
  hooks: () => ({ filterReply }),
};
