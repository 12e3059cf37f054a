// How does a certificate come in force? When the server starts or restarts, what is complete in staging takes the place of what was there;
// and who has none yet gets one of the meantime.

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ServerConfig } from "../../server/config/mod.ts";
import { ConfigError } from "../../server/config/mod.ts";
import type { ControlContext } from "../../server/request/module.ts";
import { type ManagedDomain, managedDomains } from "./domains.ts";
import { Job } from "./job.ts";
import { filesOf, Store } from "./store.ts";

/** Of the certificate of the meantime: there is one, whatever keys are wanted. */
export const FALLBACK = filesOf({ type: "RSA", bits: 2048 }, "fallback-");

/** Puts in force what is due. @throws ConfigError when the store cannot be used */
export async function activate(config: ServerConfig, context: ControlContext): Promise<void> {
  const domains = managedDomains(config);
  if (domains === undefined) return;
  const store = new Store(domains.storeDir);
  try {
    store.prepare();
    for (const domain of domains.all) {
      await activateStaged(domain, store, context);
      await provideFallback(domain, store);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(
      domains.all[0].where,
      `AH10046: setup store for ${store.root}: ${error.message}`,
      "MDStoreDir",
    );
  }
}

async function activateStaged(domain: ManagedDomain, store: Store, context: ControlContext): Promise<void> {
  const { name } = domain;
  const job = Job.load(store, name);
  if (!job.finished || job.validFrom > Date.now()) return;
  try {
    const { decrypted } = await import("./key_material.ts");
    store.purge("tmp", name);
    for (const file of ["md.json", "job.json"]) {
      store.write(store.read("staging", name, file) ?? "{}\n", "tmp", name, file);
    }
    for (const kind of domain.keys) {
      const files = filesOf(kind);
      const certificate = store.read("staging", name, files.certificate);
      const staged = store.read("staging", name, files.key);
      if (certificate === undefined || staged === undefined) {
        throw new Error(`${files.certificate} is missing`);
      }
      const key = decrypted(staged, store.secret);
      if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
        throw new Error(`${files.key} is not the key of ${files.certificate}`);
      }
      store.write(certificate, "tmp", name, files.certificate);
      store.write(key, "tmp", name, files.key);
    }
    store.install(name);
    context.log("info", "AH10068", `${name}: staged set activated`);
  } catch (error) {
    context.log(
      "error",
      "AH10069",
      `${name}: error loading staged set, purging it: ${(error as Error).message}`,
    );
  }
  store.purge("staging", name);
  store.purge("tmp", name);
}

/** True when there is a certificate in force for one of the keys at least. */
export function hasCertificate({ name, keys, certificateFiles }: ManagedDomain, store: Store): boolean {
  return certificateFiles.length > 0 || keys.some((kind) => {
    const files = filesOf(kind);
    return store.has("domains", name, files.certificate) && store.has("domains", name, files.key);
  });
}

async function provideFallback(domain: ManagedDomain, store: Store): Promise<void> {
  const { name, names, hosts } = domain;
  if (hosts.length === 0 || hasCertificate(domain, store)) return;
  if (store.has("domains", name, FALLBACK.certificate) && store.has("domains", name, FALLBACK.key)) return;
  const { fallbackPair } = await import("./key_material.ts");
  const { certificate, key } = await fallbackPair({ type: "EC", name: "secp256r1", curve: "P-256" }, names);
  store.write(key, "domains", name, FALLBACK.key);
  store.write(certificate, "domains", name, FALLBACK.certificate);
}
