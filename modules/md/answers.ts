// What do threads answer for managed domains? The challenges of authorities, before anything else is looked at, and redirects of requests
// that should have been encrypted.

import type { Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { selfName } from "../../server/request/self_name.ts";
import type { ManagedDomains } from "./domains.ts";
import { HTTP_01, readText } from "./store.ts";

const WELL_KNOWN = "/.well-known/";
const CHALLENGES = "/.well-known/acme-challenge/";
/** Half a year, in seconds. */
const HSTS = "max-age=15768000";

/** The host that was asked for, as folders of challenges are called; undefined: it is none. */
function hostOf({ head: { host } }: Exchange): string | undefined {
  const name = host?.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  return name !== undefined && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name) ? name : undefined;
}

/** The answer to an authority that looks for its challenge (http-01); undefined: this request is for others. */
export function answerChallenge(
  exchange: Exchange,
  { all, storeDir }: ManagedDomains,
  { log }: ThreadContext,
): Reply | undefined {
  const { path } = exchange;
  if (!path.startsWith(CHALLENGES)) return undefined;
  const host = hostOf(exchange);
  const token = path.slice(CHALLENGES.length);
  if (host === undefined || token === "" || token.includes("/")) return undefined;
  exchange.dependsOn = "request";
  const domain = all.find(({ names }) => names.includes(host));
  if (domain?.challenges?.includes("http-01") === false) return undefined;
  let answer: string | undefined;
  try {
    answer = readText(`${storeDir}/challenges/${host}/${HTTP_01}`);
  } catch (error) {
    log("error", "AH10081", `loading challenge ${token} from store: ${(error as Error).message}`, exchange);
    return errorReply(500);
  }
  if (answer === undefined) return domain?.renews === true ? errorReply(404) : undefined;
  if (exchange.method !== "GET") return errorReply(501);
  return { status: 200, fields: [], body: { kind: "text", text: answer } };
}

/** The redirect to https, where it is required; undefined: the request may go on. */
export function requireHttps(exchange: Exchange, { byHost }: ManagedDomains): Reply | undefined {
  const required = byHost.get(exchange.vhost)?.requireHttps ?? "off";
  const { path, query, method, transport } = exchange;
  if (required === "off" || path.startsWith(WELL_KNOWN) || (transport.security?.session ?? 0n) !== 0n) {
    return undefined;
  }
  const permanent = required === "permanent";
  const status = method === "GET" || method === "HEAD" ? permanent ? 301 : 302 : permanent ? 308 : 307;
  exchange.dependsOn = "request";
  const location = `https://${selfName(exchange)}${encodeURI(path)}${query === "" ? "" : `?${query}`}`;
  return errorReply(status, { location });
}

/** `reply` with the word that clients are to come encrypted from now on, where that is so. */
export function withHsts(exchange: Exchange, reply: Reply, { byHost }: ManagedDomains): Reply {
  if (byHost.get(exchange.vhost)?.requireHttps !== "permanent") return reply;
  if ((exchange.transport.security?.session ?? 0n) === 0n) return reply;
  const name = "Strict-Transport-Security";
  if (reply.fields.some(([field]) => field.toLowerCase() === name.toLowerCase())) return reply;
  return { ...reply, fields: [...reply.fields, [name, HSTS]] };
}
