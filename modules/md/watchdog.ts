// When is what done for managed domains? In the control process: certificates are looked at twice a day, got and renewed in time, one set
// after the other, and after a failure tried again, ever later.

import { canSelectProtocols } from "../../platform/alpn_select.ts";
import { coreServer } from "../../server/core/config.ts";
import type { WatchdogContext } from "../../server/request/module.ts";
import { sslServer } from "../ssl/config.ts";
import { certificateFacts, renewAt, windowStart } from "./certificate.ts";
import { runCommand } from "./commands.ts";
import { type ManagedDomain, type ManagedDomains, namesOf } from "./domains.ts";
import { Job, retryDelay } from "./job.ts";
import { filesOf, Store } from "./store.ts";

const HOUR_MS = 3600 * 1000;
/** The least time between two messages of a kind (ms). */
const MESSAGE_MS: Readonly<Record<string, number>> = {
  renewing: HOUR_MS,
  renewed: 24 * HOUR_MS,
  installed: 24 * HOUR_MS,
  expiring: 24 * HOUR_MS,
  errored: HOUR_MS,
};
/** What is due at once waits so long (ms), and no timer waits longer. */
const SOON_MS = 10;
const LONGEST_MS = 2 ** 31 - 1;

/** Work of a configuration that is in force no more may go on: only one set at a time is worked for. */
let working: Promise<void> = Promise.resolve();

/** Begins to look after `domains`. Returns what ends that. */
export function startWatchdog(domains: ManagedDomains, context: WatchdogContext): () => void {
  const watch = new Watch(domains, context);
  watch.begin();
  return () => watch.end();
}

class Watch {
  readonly #store: Store;
  readonly #watched: readonly ManagedDomain[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(readonly domains: ManagedDomains, readonly context: WatchdogContext) {
    this.#store = new Store(domains.storeDir);
    this.#watched = domains.all.filter(({ watched }) => watched);
  }

  begin(): void {
    const { context } = this;
    if (this.#watched.length === 0) return context.log("debug", "AH10075", "no mds to supervise");
    try {
      this.#takeStock();
    } catch (error) {
      context.log("error", "AH10046", `setup store for ${this.#store.root}: ${(error as Error).message}`);
    }
    this.#after(0);
  }

  /** What is known of earlier work; failures are begun anew. */
  #takeStock(): void {
    const { context, domains } = this;
    context.log("debug", "AH10074", `${this.#watched.length} out of ${domains.all.length} mds need watching`);
    for (const domain of this.#watched) {
      const problem = domain.renews && this.#challengesOf(domain).length === 0
        ? "None of the ACME challenge methods configured for this domain are suitable. 'http-01' needs a server that is reachable on " +
          "public port 80 (MDPortMap), 'tls-alpn-01' one on public port 443 and 'Protocols ... acme-tls/1' in its virtual host, " +
          "'dns-01' the directive 'MDChallengeDns01'."
        : undefined;
      if (problem !== undefined) context.log("error", "AH10173", `md[${domain.name}]: ${problem}`);
      const job = Job.load(this.#store, domain.name);
      if (job.errors === 0) continue;
      context.log(
        "notice",
        "AH10064",
        `md(${domain.name}): previous drive job showed ${job.errors} errors, purging STAGING area to reset.`,
      );
      this.#store.purge("staging", domain.name);
    }
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #after(ms: number): void {
    if (this.#ended) return;
    this.#timer = setTimeout(() => {
      working = working.then(() => this.#pass()).catch((error) => {
        this.context.log("error", "AH10056", `managed domains: ${(error as Error).message}`);
        this.#after(this.domains.global.checkInterval);
      });
    }, Math.min(Math.max(ms, SOON_MS), LONGEST_MS));
  }

  /** Looks at all sets, and does what is due. */
  async #pass(): Promise<void> {
    const { context, domains: { global } } = this;
    let next = Date.now() + global.checkInterval * (0.5 + Math.random());
    let restarts = false;
    for (const domain of this.#watched) {
      if (this.#ended) return;
      let job = new Job(domain.name);
      try {
        job = Job.load(this.#store, domain.name);
        if (job.nextRun <= Date.now()) restarts = await this.#drive(domain, job) || restarts;
      } catch (error) {
        // The store cannot be written, for one.
        context.log("error", "AH10056", `processing ${domain.name}: ${(error as Error).message}`);
        job.nextRun = Date.now() + retryDelay(1, global.retryDelay, Math.random());
      }
      if (job.nextRun > 0) next = Math.min(next, job.nextRun);
    }
    if (restarts && global.restarts) {
      context.log("notice", undefined, "restarting gracefully, for new certificates");
      return context.restart();
    }
    this.#after(next - Date.now());
  }

  /** Kinds of challenges that can be answered. */
  #challengesOf(
    { challenges = ["tls-alpn-01", "http-01", "dns-01"], dnsCommand, names, hosts }: ManagedDomain,
  ) {
    const { httpPort, httpsPort } = this.domains.global;
    const listens = (port: number) => this.context.listen.some((at) => "port" in at && at.port === port);
    const proving = hosts.filter(({ store }) =>
      store.get(sslServer).engine === "on" && store.get(coreServer).protocols?.includes("acme-tls/1")
    ).flatMap(namesOf);
    const can: Readonly<Record<string, boolean>> = {
      "tls-alpn-01": canSelectProtocols() && listens(httpsPort) &&
        names.every((name) => proving.includes(name)),
      "http-01": listens(httpPort),
      "dns-01": dnsCommand !== undefined,
    };
    return challenges.filter((type) => can[type]);
  }

  /** When certificates in force are to be renewed, and whether their ends are near. */
  #stateOf(domain: ManagedDomain): { readonly renewAt: number; readonly expiring: boolean } {
    const facts = domain.keys.map((kind) =>
      certificateFacts(this.#store.read("domains", domain.name, filesOf(kind).certificate) ?? "")
    );
    return {
      renewAt: Math.min(...facts.map((one) => renewAt(one, domain))),
      expiring: facts.some((one) => one !== undefined && windowStart(one, domain.warnWindow) <= Date.now()),
    };
  }

  /** Works for one set. Returns true when a restart puts something in force. */
  async #drive(domain: ManagedDomain, job: Job): Promise<boolean> {
    const { context } = this;
    job.nextRun = 0;
    if (job.finished && job.notified) return false;
    const state = this.#stateOf(domain);
    if (domain.renews && (job.finished || state.renewAt <= Date.now())) {
      if (!job.finished && !await this.#obtain(domain, job)) return false;
      if (job.validFrom > Date.now()) {
        job.nextRun = job.validFrom;
        job.save(this.#store);
        return false;
      }
      return await this.#finish(domain, job);
    }
    context.log("debug", "AH10053", `md(${domain.name}): no need to renew`);
    if (state.expiring) await this.#message("expiring", job);
    return false;
  }

  /** Gets certificates. Returns false when that has failed. */
  async #obtain(domain: ManagedDomain, job: Job): Promise<boolean> {
    const { context, domains: { global } } = this;
    const { name } = domain;
    context.log("debug", "AH10052", `md(${name}): state=1, driving`);
    if (!await this.#message("renewing", job)) {
      const message = `${name}: event-handler for 'renewing' failed, preventing renewal to proceed.`;
      context.log("info", "AH10060", message);
      return false;
    }
    try {
      job.lastRun = Date.now();
      const challenges = this.#challengesOf(domain);
      const authority = domain
        .authorities[Math.floor(job.errors / global.retryFailover) % domain.authorities.length];
      const { obtain } = await import("./acme.ts");
      await obtain({ domain, global, store: this.#store, authority, challenges });
      const facts = domain.keys.map((kind) =>
        certificateFacts(this.#store.read("staging", name, filesOf(kind).certificate) ?? "")
      );
      if (facts.some((one) => one === undefined)) throw new Error("what the CA has sent is no certificate");
      const begin = Math.max(...facts.map((one) => one!.notBefore));
      job.validFrom = Math.max(begin, global.activationDelay === 0 ? 0 : Date.now() + global.activationDelay);
      this.#store.writeJson(mdJson(domain, authority), "staging", name, "md.json");
      job.finished = true;
      job.errors = 0;
      job.problem = job.detail = "";
      job.note("finished");
      job.save(this.#store);
      return true;
    } catch (error) {
      job.errors++;
      job.detail = (error as Error).message;
      job.nextRun = Date.now() + retryDelay(job.errors, global.retryDelay, Math.random());
      job.note("renewal-error", job.detail);
      context.log("error", "AH10056", `processing ${name}: ${job.detail}`);
      const seconds = Math.round((job.nextRun - Date.now()) / 1000);
      context.log(
        "info",
        "AH10057",
        `${name}: encountered error for the ${job.errors}. time, next run in ${seconds} seconds`,
      );
      await this.#message("errored", job);
      job.save(this.#store);
      return false;
    }
  }

  /** There is something new: tells whoever wants to know. Returns true when a restart may put it in force. */
  async #finish({ name }: ManagedDomain, job: Job): Promise<boolean> {
    const { context, domains: { global: { notifyCommand, restarts } } } = this;
    try {
      if (notifyCommand !== undefined) {
        await runCommand({ directive: "MDNotifyCmd", line: notifyCommand }, name);
      }
    } catch (error) {
      context.log("error", "AH10108", (error as Error).message);
      job.note("notify-error", (error as Error).message);
    }
    context.log(
      "notice",
      "AH10059",
      `The Managed Domain ${name} has been setup and changes will be activated on next (graceful) server restart.`,
    );
    await this.#message("renewed", job);
    job.notified = true;
    job.save(this.#store);
    return restarts;
  }

  /** Runs MDMessageCmd, unless it was told of that lately. Returns false when it failed. */
  async #message(reason: string, job: Job): Promise<boolean> {
    const { messageCommand } = this.domains.global;
    const type = `message-${reason}`;
    if (messageCommand === undefined || Date.now() - job.latest(type) < MESSAGE_MS[reason]) return true;
    try {
      await runCommand({ directive: "MDMessageCmd", line: messageCommand }, reason, job.name);
    } catch (error) {
      this.context.log("error", "AH10109", (error as Error).message);
      return false;
    }
    job.note(type);
    job.save(this.#store);
    return true;
  }
}

/** What httpd's mod_md wants to know of a set. */
export function mdJson(
  { name, names, contacts, agreement, renewMode, mustStaple, authorities }: ManagedDomain,
  authority: string,
): unknown {
  return {
    name,
    domains: names,
    contacts,
    transitive: 1,
    ca: { proto: "ACME", url: authority, urls: authorities, ...agreement === undefined ? {} : { agreement } },
    state: 2,
    "renew-mode": { manual: 0, always: 2, auto: 1 }[renewMode],
    "must-staple": mustStaple,
  };
}
