// Which fields does a backend get of a request, and which does a client get of its response? Those about a connection stay on it, URLs and
// cookies are written as the other side knows them.

import type { BackendHead } from "./protocol.ts";
import type { Fields } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { defaultPort, ownUrl, selfName, selfPort } from "../../server/request/self_name.ts";
import { HOP_BY_HOP, NameKinds } from "./hop_by_hop.ts";
import { type ProxyPlace, proxyPlace, type Reverse, type Via } from "./config.ts";

/** Fields of requests that are written anew. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["host", "content-length", "expect", "proxy-authorization"]);
const FORWARDED: ReadonlySet<string> = new Set(["x-forwarded-for", "x-forwarded-host", "x-forwarded-server"]);

const REQUEST_KINDS = new NameKinds((lower) =>
  HOP_BY_HOP.has(lower) || OWN_FIELDS.has(lower)
    ? "own"
    : FORWARDED.has(lower)
    ? "forwarded"
    : lower === "via"
    ? "via"
    : "other"
);

const URL_FIELDS: ReadonlySet<string> = new Set(["location", "content-location", "uri", "destination"]);

const RESPONSE_KINDS = new NameKinds((lower) =>
  ["content-type", "date", "server", "set-cookie", "via"].includes(lower)
    ? lower
    : URL_FIELDS.has(lower)
    ? "url"
    : "other"
);

const NO_OPTIONS: ReadonlySet<string> = new Set();

/** Names of fields that the connection options of a request name (RFC 9110 §7.6.1). */
function listedFields({ head }: Exchange): ReadonlySet<string> {
  const value = head.field(Field.Connection);
  if (value === undefined || /^(?:keep-alive|close)$/i.test(value)) return NO_OPTIONS;
  return new Set(value.toLowerCase().split(",").map((option) => option.trim()));
}

/** The fields of the request that go on, and those that tell of the client, a line each. */
export function forwardedFields(exchange: Exchange, via: Via | undefined, description: string): string {
  const { head, dir } = exchange;
  const listed = listedFields(exchange);
  const adds = dir.get(proxyPlace).addHeaders !== false;
  let text = "";
  head.visit((_id, name, value) => {
    const kind = REQUEST_KINDS.get(name);
    if (kind !== "other") {
      if (kind === "own" || (kind === "forwarded" && adds)) return;
      if (kind === "via" && via !== undefined && via !== "Off") return;
    }
    if (listed.size > 0 && listed.has(name.toLowerCase())) return;
    text += `${name}: ${value}\r\n`;
  });
  if (adds) {
    const { address } = exchange.client;
    text += `X-Forwarded-For: ${joined(head.field(Field.XForwardedFor), address)}\r\n`;
    const host = head.field(Field.Host);
    if (host !== undefined) {
      text += `X-Forwarded-Host: ${joined(head.field(Field.XForwardedHost), host)}\r\n`;
    }
    text += `X-Forwarded-Server: ${joined(head.get("x-forwarded-server"), selfName(exchange))}\r\n`;
  }
  if (via === "On" || via === "Full") {
    text += `Via: ${
      joined(head.field(Field.Via), viaOf(exchange, via, `${head.major}.${head.minor}`, description))
    }\r\n`;
  }
  return text;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined || before === "" ? value : `${before}, ${value}`;
}

function viaOf(exchange: Exchange, via: Via, version: string, description: string): string {
  const port = selfPort(exchange);
  const name = `${selfName(exchange)}${port === defaultPort(exchange) ? "" : `:${port}`}`;
  return `${version} ${name}${via === "Full" ? ` (${description})` : ""}`;
}

/** What the fields of a response become. */
export interface ReturnedFields {
  readonly fields: Fields;
  readonly contentType: string | undefined;
  readonly date: string | undefined;
  readonly server: string | undefined;
}

/** The fields of `head` as the client gets them; `balancers` gives the URLs of a balancer's members. */
export function returnedFields(
  exchange: Exchange,
  head: BackendHead,
  via: Via | undefined,
  description: string,
  members: (url: string) => readonly string[],
): ReturnedFields {
  const place = exchange.dir.get(proxyPlace);
  const fields: Fields = [];
  let contentType: string | undefined;
  let date: string | undefined;
  let server: string | undefined;
  for (const [name, value] of head.fields) {
    switch (RESPONSE_KINDS.get(name)) {
      case "content-type":
        contentType = value;
        break;
      case "date":
        date = value;
        break;
      case "server":
        server = value;
        break;
      case "set-cookie":
        fields.push([name, reversedCookie(exchange, place, value)]);
        break;
      case "via":
        if (via !== "Block") fields.push([name, value]);
        break;
      case "url":
        fields.push([
          name,
          place.reverse.length > 0 ? reversedUrl(exchange, place.reverse, value, members) : value,
        ]);
        break;
      default:
        fields.push([name, value]);
    }
  }
  if (via === "On" || via === "Full") fields.push(["Via", viaOf(exchange, via, "1.1", description)]);
  return { fields, contentType, date, server };
}

/** A URL of a backend as clients know it; what is none of the backend's stays. */
function reversedUrl(
  exchange: Exchange,
  entries: readonly Reverse[],
  url: string,
  members: (url: string) => readonly string[],
): string {
  for (const entry of entries) {
    const real = interpolated(exchange, entry.real, entry.interpolate);
    for (const candidate of /^balancer:/i.test(real) ? members(real) : [real]) {
      const rest = restOf(url, candidate);
      if (rest === undefined) continue;
      const fake = interpolated(exchange, entry.fake, entry.interpolate);
      const path = fake.endsWith("/") && rest.startsWith("/") ? fake + rest.slice(1) : fake + rest;
      return path.startsWith("/") ? ownUrl(exchange) + path : path;
    }
  }
  return url;
}

/** What follows `prefix` in `url`, scheme and host without regard to case; undefined: it begins otherwise. */
function restOf(url: string, prefix: string): string | undefined {
  const plain = prefix.replace(/^unix:[^|]*\|/i, "");
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(plain)?.[0] ?? "";
  if (url.slice(0, origin.length).toLowerCase() !== origin.toLowerCase()) return undefined;
  const path = plain.slice(origin.length);
  const rest = url.slice(origin.length);
  if (!rest.startsWith(path)) return undefined;
  const after = rest.slice(path.length);
  return path.endsWith("/") || after === "" || /^[/?#]/.test(after) ? after : undefined;
}

function reversedCookie(
  exchange: Exchange,
  { cookieDomains, cookiePaths }: ProxyPlace,
  cookie: string,
): string {
  if (cookieDomains.length === 0 && cookiePaths.length === 0) return cookie;
  const [pair, ...attributes] = cookie.split(";");
  return [
    pair,
    ...attributes.map((attribute) => {
      const found = /^(\s*)(path|domain)(\s*=\s*)(.*)$/is.exec(attribute);
      if (found === null) return attribute;
      const [, blank, name, equals, value] = found;
      const isPath = name.toLowerCase() === "path";
      for (const entry of isPath ? cookiePaths : cookieDomains) {
        const real = interpolated(exchange, entry.real, entry.interpolate);
        const fake = interpolated(exchange, entry.fake, entry.interpolate);
        if (isPath ? value.startsWith(real) : value.toLowerCase() === real.toLowerCase()) {
          return `${blank}${name}${equals}${isPath ? fake + value.slice(real.length) : fake}`;
        }
      }
      return attribute;
    }),
  ].join(";");
}

/** `text` with variables of the request in place of `${NAME}`, where that is wanted (ProxyPassInterpolateEnv, interpolate). */
export function interpolated(exchange: Exchange, text: string, wanted: boolean): string {
  if (!wanted || exchange.dir.get(proxyPlace).interpolateEnv !== true) return text;
  return text.replace(/\$\{([^}]*)\}/g, (_all, name) => exchange.environment?.get(name) ?? "");
}
