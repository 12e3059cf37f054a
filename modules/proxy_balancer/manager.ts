// How does an operator see and change the members of balancers? The page of SetHandler balancer-manager; changes come by POST with a
// secret that only the page tells.

import { escapeHtml } from "../../server/http/content/mod.ts";
import { NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { type Balancer, type Member, STATUS_BITS } from "./balancer.ts";
import { Word } from "./shared_members.ts";

/** Bytes of a change at most. */
const LONGEST_FORM = 16_384;

/** Which bits a form may set, by the names of its fields (httpd's). */
const FORM_BITS: Readonly<Record<string, number>> = {
  w_status_D: STATUS_BITS.disabled,
  w_status_S: STATUS_BITS.stopped,
  w_status_I: STATUS_BITS.ignoreErrors,
  w_status_H: STATUS_BITS.hotStandby,
  w_status_R: STATUS_BITS.spare,
  w_status_N: STATUS_BITS.drain,
};

const LABELS: readonly (readonly [bit: number, text: string])[] = [
  [STATUS_BITS.disabled, "Dis"],
  [STATUS_BITS.stopped, "Stop"],
  [STATUS_BITS.ignoreErrors, "Ign"],
  [STATUS_BITS.hotStandby, "Stby"],
  [STATUS_BITS.spare, "Spar"],
  [STATUS_BITS.drain, "Drn"],
  [STATUS_BITS.checkFailed, "HcFl"],
];

/** What a member's status reads like. */
export function statusText(member: Member): string {
  const words = LABELS.filter(([bit]) => member.has(bit)).map(([, text]) => text);
  return ["Init", ...words, member.inError ? "Err" : member.usable ? "Ok" : ""].join(" ").trim();
}

/** The page, or what becomes of a change. */
export function balancerManager(
  exchange: Exchange,
  balancers: readonly Balancer[],
  nonce: string,
): Reply | Promise<Reply> {
  if (exchange.method === "GET" || exchange.method === "HEAD") return page(exchange, balancers, nonce);
  if (exchange.method !== "POST") return errorReply(405, { fields: [["Allow", "GET,HEAD,POST"]] });
  const { body, head } = exchange;
  if (body === undefined || head.bodyKind !== "length" || head.contentLength > LONGEST_FORM) {
    return errorReply(413);
  }
  return body.whole().then((bytes) => {
    const form = new URLSearchParams(new TextDecoder().decode(bytes));
    // Another site can make a browser send a form, but does not know this.
    if (form.get("nonce") !== nonce) return errorReply(403);
    const balancer = balancers.find(({ config }) => config.name === form.get("b"));
    const member = balancer?.members.find(({ config }) => config.url.text === form.get("w"));
    if (member === undefined) return errorReply(404);
    const problem = change(member, form);
    if (problem !== undefined) return errorReply(400, { note: problem });
    return { status: 303, fields: [["Location", exchange.path]], body: NO_BODY };
  });
}

/** Changes what the form says. Returns what is wrong with it: nothing is changed then. */
function change(member: Member, form: URLSearchParams): string | undefined {
  const factor = form.get("w_lf");
  const set = form.get("w_ls");
  if (factor !== null && !(Number(factor) >= 1 && Number(factor) <= 100)) {
    return "a load factor is from 1 to 100";
  }
  if (set !== null && !/^\d{1,2}$/.test(set)) return "a set is from 0 to 99";
  if (factor !== null) member.record.set(Word.LoadFactor, Math.round(Number(factor) * 100));
  if (set !== null) member.record.set(Word.Set, Number(set) + 1);
  for (const [name, bit] of Object.entries(FORM_BITS)) {
    const value = form.get(name);
    if (value === "0" || value === "1") member.change(bit, value === "1");
  }
  if (form.get("w_status_E") === "0") member.noteSuccess();
  return undefined;
}

function page(exchange: Exchange, balancers: readonly Balancer[], nonce: string): Reply {
  const text = `<!DOCTYPE html>
<html><head><title>Balancer Manager</title></head><body>
<h1>Load Balancer Manager for ${escapeHtml(exchange.head.host ?? "")}</h1>
${balancers.map((balancer) => table(balancer, nonce)).join("\n")}
</body></html>
`;
  return {
    status: 200,
    fields: [["Cache-Control", "no-store"], ["X-Frame-Options", "DENY"]],
    contentType: "text/html; charset=utf-8",
    body: exchange.method === "HEAD" ? NO_BODY : { kind: "text", text },
  };
}

function table({ config, members, method }: Balancer, nonce: string): string {
  const rows = members.map((member) => {
    const { record, config: { url } } = member;
    const cells = [
      escapeHtml(url.text),
      escapeHtml(member.route ?? ""),
      member.loadFactor.toFixed(2),
      member.lbset,
      statusText(member),
      record.get(Word.Elected),
      record.get(Word.Busy),
      record.get(Word.Balance),
      `${record.get(Word.Sent)}K`,
      `${record.get(Word.Received)}K`,
      form(config.name, member, nonce),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const titles = [
    "Worker URL",
    "Route",
    "Factor",
    "Set",
    "Status",
    "Elected",
    "Busy",
    "Load",
    "To",
    "From",
    "",
  ];
  return `<h3>LoadBalancer Status for balancer://${escapeHtml(config.name)}</h3>
<p>Method ${escapeHtml(method)}, StickySession ${escapeHtml(config.values.stickySession ?? "(None)")}</p>
<table border="1"><tr>${titles.map((title) => `<th>${title}</th>`).join("")}</tr>
${rows.join("\n")}</table>`;
}

function form(balancer: string, member: Member, nonce: string): string {
  const hidden = (name: string, value: string) =>
    `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;
  const disabled = member.has(STATUS_BITS.disabled);
  const draining = member.has(STATUS_BITS.drain);
  return `<form method="post">${hidden("nonce", nonce)}${hidden("b", balancer)}${
    hidden("w", member.config.url.text)
  }` +
    `<button name="w_status_D" value="${disabled ? 0 : 1}">${disabled ? "Enable" : "Disable"}</button>` +
    `<button name="w_status_N" value="${draining ? 0 : 1}">${draining ? "Do not drain" : "Drain"}</button>` +
    `<button name="w_status_E" value="0">Clear error</button></form>`;
}
