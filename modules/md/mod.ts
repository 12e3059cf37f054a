// Where do certificates come from, without anybody's doing? mod_md: domains that are managed get them from an authority, by ACME, and they
// are renewed in time.

import type { CertificateSource } from "../ssl/managed.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { activate, FALLBACK, hasCertificate } from "./activation.ts";
import { answerChallenge, requireHttps, withHsts } from "./answers.ts";
import { mdRows } from "./directives.ts";
import { managedDomains } from "./domains.ts";
import { filesOf, Store, TLS_ALPN_01 } from "./store.ts";

/** Certificates of managed domains, for mod_ssl. */
export const mdCertificates: CertificateSource = {
  challengeFor(config, name) {
    const domains = managedDomains(config);
    if (!domains?.all.some(({ names }) => names.includes(name))) return undefined;
    const store = new Store(domains.storeDir);
    const certificates = store.read("challenges", name, TLS_ALPN_01.certificate);
    const key = store.read("challenges", name, TLS_ALPN_01.key);
    return certificates === undefined || key === undefined ? undefined : { certificates, key };
  },
  pairsFor(config, host) {
    const domains = managedDomains(config);
    const domain = domains?.byHost.get(host);
    if (domains === undefined || domain === undefined) return undefined;
    const { name, where, certificateFiles, keyFiles, keys } = domain;
    const named = (certificate: string, key: string) => ({
      certificate: { path: certificate, where, directive: "MDCertificateFile" },
      key: { path: key, where, directive: "MDCertificateKeyFile" },
    });
    if (certificateFiles.length > 0) {
      return { provisional: false, pairs: certificateFiles.map((file, i) => named(file, keyFiles[i])) };
    }
    const store = new Store(domains.storeDir);
    const provisional = !hasCertificate(domain, store);
    const files = (provisional ? [FALLBACK] : keys.map((kind) => filesOf(kind)))
      .filter(({ certificate, key }) =>
        store.has("domains", name, certificate) && store.has("domains", name, key)
      );
    return {
      provisional,
      pairs: files.map(({ certificate, key }) =>
        named(store.path("domains", name, certificate), store.path("domains", name, key))
      ),
    };
  },
};

export const md: ServerModule = {
  name: "md_module",
  source: "mod_md.c",
  directives: mdRows,
  checkConfig: (config) => void managedDomains(config),
  material(config, _facts, warn) {
    for (const { where, message } of managedDomains(config)?.warnings ?? []) warn(where, message);
    return undefined;
  },
  prepare: activate,
  watchdog(config, context) {
    const domains = managedDomains(config);
    if (domains === undefined) return undefined;
    let end: (() => void) | undefined;
    let ended = false;
    import("./watchdog.ts").then(({ startWatchdog }) => {
      if (!ended) end = startWatchdog(domains, context);
    });
    return () => {
      ended = true;
      end?.();
    };
  },
  hooks() {
    let thread: ThreadContext | undefined;
    return {
      threadInit(context) {
        if (managedDomains(context.config) !== undefined) thread = context;
      },
      translateName(exchange) {
        if (thread === undefined) return false;
        const domains = managedDomains(thread.config)!;
        return answerChallenge(exchange, domains, thread) ?? requireHttps(exchange, domains) ?? false;
      },
      finishReply: (exchange, reply) =>
        thread === undefined ? reply : withHsts(exchange, reply, managedDomains(thread.config)!),
    };
  },
};
