// Which member of a balancer gets a request? The one that its session is with, else the one whose turn it is by the balancer's method.

import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { BalancerConfig, WorkerConfig } from "../proxy/config.ts";
import type { StatusFlag } from "../proxy/parameters.ts";
import type { Worker } from "../proxy/worker.ts";
import type { SharedRecord } from "../../server/shared_record.ts";
import { Word } from "./shared_members.ts";

/** Bits of a member's status. */
export const STATUS_BITS: Readonly<Record<StatusFlag | "checkFailed", number>> = {
  disabled: 1,
  stopped: 2,
  ignoreErrors: 4,
  hotStandby: 8,
  spare: 16,
  drain: 32,
  error: 64,
  checkFailed: 128,
};

/** How long (s) a member that failed is left alone where nobody says. */
const RETRY_S = 60;

const now = () => Math.floor(Date.now() / 1000);

/** A member, as its thread sees it. */
export class Member {
  readonly route: string | undefined;
  readonly #configured: number;

  constructor(readonly worker: Worker, readonly config: WorkerConfig, readonly record: SharedRecord) {
    this.route = config.values.route;
    let bits = 0;
    for (const [flag, on] of Object.entries(config.values.status ?? {})) {
      if (on) bits |= STATUS_BITS[flag as StatusFlag];
    }
    this.#configured = bits;
  }

  /** Status bits: as configured, but for those that somebody has changed. */
  get status(): number {
    const changed = this.record.get(Word.Changed);
    return (this.#configured & ~changed) | (this.record.get(Word.Status) & changed);
  }

  /** Sets or clears bits, in all children. */
  change(bits: number, on: boolean): void {
    const { record } = this;
    record.set(Word.Status, on ? record.get(Word.Status) | bits : record.get(Word.Status) & ~bits);
    record.set(Word.Changed, record.get(Word.Changed) | bits);
  }

  has(bits: number): boolean {
    return (this.status & bits) !== 0;
  }

  /** It has failed lately, and is left alone. */
  get inError(): boolean {
    return this.has(STATUS_BITS.error | STATUS_BITS.checkFailed) || this.record.get(Word.ErrorUntil) > now();
  }

  get usable(): boolean {
    return !this.has(STATUS_BITS.disabled | STATUS_BITS.stopped) && !this.inError;
  }

  get loadFactor(): number {
    return (this.record.get(Word.LoadFactor) || Math.round((this.config.values.loadFactor ?? 1) * 100)) / 100;
  }

  get lbset(): number {
    const changed = this.record.get(Word.Set);
    return changed > 0 ? changed - 1 : this.config.values.lbset ?? 0;
  }

  noteFailure(): void {
    this.record.add(Word.Errors, 1);
    if (this.has(STATUS_BITS.ignoreErrors)) return;
    const { retry } = this.config.values;
    this.record.set(Word.ErrorUntil, now() + (retry === undefined ? RETRY_S : Math.ceil(retry / 1000)));
  }

  noteSuccess(): void {
    if (this.record.get(Word.ErrorUntil) !== 0) this.record.set(Word.ErrorUntil, 0);
  }
}

/** Names of methods, with httpd's prefix or without it. */
export const METHODS = ["byrequests", "bytraffic", "bybusyness", "heartbeat"] as const;

/** The session of a request: the route in it, and what it is called. */
interface Session {
  readonly name: string;
  readonly route: string;
}

/** `balancer://name`, as its thread sees it. */
export class Balancer {
  readonly method: string;

  constructor(readonly config: BalancerConfig, readonly members: readonly Member[]) {
    this.method = (config.values.lbmethod ?? "byrequests").replace(/^lbmethod_/, "");
  }

  /** The member for a request; `tried` have failed. undefined: there is none. */
  choose(exchange: Exchange, tried: ReadonlySet<Worker>): Member | undefined {
    const { values } = this.config;
    const session = this.#session(exchange);
    const environment = exchange.environment ??= new Map();
    environment.set("BALANCER_NAME", `balancer://${this.config.name}`);
    let chosen: Member | undefined;
    if (session !== undefined) {
      environment.set("BALANCER_SESSION_STICKY", session.name);
      environment.set("BALANCER_SESSION_ROUTE", session.route);
      const own = this.members.filter(({ route }) => route === session.route);
      chosen = this.#elect(own, tried);
      const redirect = own.find(({ config }) => config.values.redirect !== undefined)?.config.values.redirect;
      if (chosen === undefined && redirect !== undefined) {
        chosen = this.#elect(this.members.filter(({ route }) => route === redirect), tried);
      }
      if (chosen === undefined && own.length > 0 && values.noFailover === true) return undefined;
    }
    if (chosen === undefined) {
      const open = this.members.filter((member) => !member.has(STATUS_BITS.drain));
      chosen = this.#bySets(open, tried) ?? this.#recovered(open, tried);
      if (values.stickySession !== undefined) environment.set("BALANCER_ROUTE_CHANGED", "1");
    }
    if (chosen === undefined) return undefined;
    environment.set("BALANCER_WORKER_NAME", chosen.config.url.text);
    environment.set("BALANCER_WORKER_ROUTE", chosen.route ?? "");
    chosen.record.add(Word.Elected, 1);
    return chosen;
  }

  /** Sets in turn; in each those that serve, spares for those that do not, then what stands by. */
  #bySets(members: readonly Member[], tried: ReadonlySet<Worker>): Member | undefined {
    const sets = [...new Set(members.map(({ lbset }) => lbset))].sort((a, b) => a - b);
    for (const set of sets) {
      const all = members.filter(({ lbset }) => lbset === set);
      const serving = all.filter((member) => !member.has(STATUS_BITS.spare | STATUS_BITS.hotStandby));
      const missing = serving.filter((member) => !member.usable || tried.has(member.worker)).length;
      const spares = all.filter((member) => member.has(STATUS_BITS.spare) && member.usable).slice(0, missing);
      const chosen = this.#elect([...serving, ...spares], tried) ??
        this.#elect(all.filter((member) => member.has(STATUS_BITS.hotStandby)), tried);
      if (chosen !== undefined) return chosen;
    }
    return undefined;
  }

  /** All have failed: better one that may be back than none (forcerecovery). */
  #recovered(members: readonly Member[], tried: ReadonlySet<Worker>): Member | undefined {
    if (this.config.values.forceRecovery === false) return undefined;
    const failed = members.filter((member) =>
      !tried.has(member.worker) &&
      !member.has(STATUS_BITS.disabled | STATUS_BITS.stopped | STATUS_BITS.checkFailed)
    );
    // Not with every request: who is down for good would be asked for each.
    const due = failed.filter(({ record }) => record.get(Word.ErrorUntil) > 0);
    if (due.length === 0 || due.length < members.length - tried.size) return undefined;
    for (const member of due) member.noteSuccess();
    return this.#elect(due, tried);
  }

  #elect(members: readonly Member[], tried: ReadonlySet<Worker>): Member | undefined {
    const usable = members.filter((member) => member.usable && !tried.has(member.worker));
    if (usable.length < 2) return usable[0];
    if (this.method === "bytraffic") {
      return least(
        usable,
        ({ record, loadFactor }) => (record.get(Word.Sent) + record.get(Word.Received)) / loadFactor,
      );
    }
    const shares = () => {
      let total = 0;
      for (const member of usable) {
        const share = Math.round(member.loadFactor * 100);
        total += share;
        member.record.add(Word.Balance, share);
      }
      return total;
    };
    const total = shares();
    const byTurn = (candidates: readonly Member[]) =>
      least(candidates, ({ record }) => -record.get(Word.Balance));
    let chosen: Member;
    if (this.method === "bybusyness" || this.method === "heartbeat") {
      const busy = (member: Member) => member.record.get(Word.Busy) / member.loadFactor;
      const lowest = Math.min(...usable.map(busy));
      chosen = byTurn(usable.filter((member) => busy(member) === lowest));
    } else chosen = byTurn(usable);
    chosen.record.add(Word.Balance, -total);
    return chosen;
  }

  /** What the request says of its session: in a cookie, a parameter of the path or of the query. */
  #session({ head, query, path }: Exchange): Session | undefined {
    const { stickySession, stickySeparator = "." } = this.config.values;
    if (stickySession === undefined) return undefined;
    const [cookie, parameter = cookie] = stickySession.split("|");
    const value = parameterOf(query, parameter, "&") ??
      parameterOf(path.slice(path.indexOf(";") + 1 || path.length), parameter, ";") ??
      cookieOf(head.field(Field.Cookie), cookie);
    if (value === undefined) return undefined;
    const at = value.lastIndexOf(stickySeparator);
    return at < 0 ? undefined : { name: cookie, route: value.slice(at + 1) };
  }
}

function least<T>(items: readonly T[], weight: (item: T) => number): T {
  let found = items[0];
  let lowest = weight(found);
  for (const item of items) {
    const each = weight(item);
    if (each >= lowest) continue;
    found = item;
    lowest = each;
  }
  return found;
}

function parameterOf(text: string, name: string, separator: string): string | undefined {
  for (const part of text.split(separator)) {
    if (part.startsWith(`${name}=`)) return part.slice(name.length + 1);
  }
  return undefined;
}

function cookieOf(field: string | undefined, name: string): string | undefined {
  for (const part of field?.split(";") ?? []) {
    const pair = part.trim();
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1).replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}
