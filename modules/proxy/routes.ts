// To which backend does a request go, and to which if that one cannot be had? A backend by itself, or the members of a balancer.

import type { VirtualServer } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { Balancer, Member } from "../proxy_balancer/balancer.ts";
import { sharedRecord } from "../../server/shared_record.ts";
import { Word } from "../proxy_balancer/shared_members.ts";
import { type BalancerConfig, proxyHost } from "./config.ts";
import type { Worker } from "./worker.ts";
import type { Workers } from "./workers.ts";

/** The way of one request. */
export interface Route {
  readonly worker: Worker;
  /** What is asked of a backend of it: escaped path. */
  pathFor(worker: Worker): string;
  /** Another backend; undefined: there is none. */
  next(failed: Worker): Worker | undefined;
  /** Of a balancer. */
  readonly balancer: Balancer | undefined;
  memberOf(worker: Worker): Member | undefined;
}

const BALANCER = /^balancer:\/\/([^/?#]+)(\/.*)?$/is;

/** The routes of one thread. */
export class Routes {
  readonly #balancers = new Map<BalancerConfig, Balancer>();

  constructor(readonly workers: Workers, readonly thread: ThreadContext) {}

  /** Those that a host knows. */
  balancersOf(vhost: VirtualServer): Balancer[] {
    const host = vhost.store.get(proxyHost);
    return [...host.balancers.values()].map((config) => {
      const known = this.#balancers.get(config);
      if (known !== undefined) return known;
      const { moduleWords } = this.thread.scoreboard;
      const members = config.members.map((member) => {
        const record = sharedRecord(moduleWords, `${config.name} ${member.url.text}`);
        return new Member(this.workers.of(member, host), member, record);
      });
      const balancer = new Balancer(config, members);
      this.#balancers.set(config, balancer);
      return balancer;
    });
  }

  /** URLs of the members of `balancer://name/path`, each with that path. */
  membersOf(vhost: VirtualServer, url: string): string[] {
    const [, name = "", path = ""] = BALANCER.exec(url) ?? [];
    const config = vhost.store.get(proxyHost).balancers.get(name.toLowerCase());
    return config?.members.map((member) => member.url.text.replace(/\/+$/, "") + path) ?? [];
  }

  /** The way to `url`; "no balancer", "no member": why there is none. @throws ArgumentError when it is no URL */
  find(exchange: Exchange, url: string): Route | "no balancer" | "no member" {
    const { vhost } = exchange;
    const found = BALANCER.exec(url);
    if (found !== null) return this.#balanced(exchange, found[1].toLowerCase(), found[2] ?? "/");
    const { worker, path } = this.workers.find(vhost, url);
    return {
      worker,
      pathFor: () => path,
      next: () => undefined,
      balancer: undefined,
      memberOf: () => undefined,
    };
  }

  #balanced(exchange: Exchange, name: string, path: string): Route | "no balancer" | "no member" {
    const balancer = this.balancersOf(exchange.vhost).find(({ config }) => config.name === name);
    if (balancer === undefined) return "no balancer";
    const tried = new Set<Worker>();
    const first = balancer.choose(exchange, tried);
    if (first === undefined) return "no member";
    const { members, config } = balancer;
    const most = config.values.maxAttempts ?? members.length - 1;
    return {
      worker: first.worker,
      pathFor: ({ url }) => url.path.replace(/\/+$/, "") + path || "/",
      next(failed) {
        tried.add(failed);
        return tried.size > most ? undefined : balancer.choose(exchange, tried)?.worker;
      },
      balancer,
      memberOf: (worker) => members.find((member) => member.worker === worker),
    };
  }
}

/** A member has begun with a request, or is done; `sent` and `received`: bytes. */
export function countMember(member: Member | undefined, busy: 1 | -1, sent = 0, received = 0): void {
  if (member === undefined) return;
  const { record } = member;
  record.add(Word.Busy, busy);
  if (busy > 0) return;
  record.add(Word.Sent, (sent + 1023) >> 10);
  record.add(Word.Received, (received + 1023) >> 10);
}
