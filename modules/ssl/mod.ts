// How are connections encrypted? mod_ssl: certificates and settings of virtual hosts, and what requests learn of their connection. The
// records themselves are moved by the MPM (mpm/thread/channel.ts).

import { openSsl } from "../../platform/openssl.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { addVariableSource } from "../../server/request/request_variables.ts";
import type { AuthzProvider } from "../authz_core/requirement.ts";
import { checkAccess, checkStrictly, fakeBasicAuth } from "./access.ts";
import { makeContext, prepareChallenges } from "./contexts.ts";
import { sslRows } from "./directives.ts";
import type { CertificateSource } from "./managed.ts";
import { readMaterial, type SslMaterial, staplingRecords } from "./material.ts";
import { SecuredHosts, type SharedContext } from "./policy.ts";
import { mapStapled, type StapledMemory, StapledResponses } from "./stapled.ts";
import { startStapling } from "./stapling.ts";
import { sslVariable } from "./variables.ts";

/** What threads are given. */
interface SslShared {
  readonly contexts: readonly SharedContext[];
  readonly stapled: StapledMemory | undefined;
  readonly managed: boolean;
}

/** The providers of mod_ssl. */
export const sslProviders: readonly AuthzProvider[] = [{
  name: "ssl",
  parse: () => ({
    constant: false,
    test: (exchange) => sslVariable(exchange, "HTTPS") !== undefined,
  }),
}, {
  name: "ssl-verify-client",
  parse: () => ({
    constant: false,
    test: (exchange) => sslVariable(exchange, "SSL_CLIENT_VERIFY") === "SUCCESS",
  }),
}];

function hooks(sources: readonly CertificateSource[]): ModuleHooks {
  let thread: ThreadContext | undefined;
  let secured: SecuredHosts | undefined;
  let responses: StapledResponses | undefined;
  return {
    loadLibraries(shared) {
      if (shared === undefined) return;
      const openssl = openSsl();
      const { stapled, managed } = shared as SslShared;
      if (stapled !== undefined) responses = new StapledResponses(stapled);
      if (managed) prepareChallenges(openssl);
    },
    threadInit(context) {
      thread = context;
      if (context.shared === undefined) return;
      const { contexts, managed } = context.shared as SslShared;
      secured = new SecuredHosts(context, contexts, responses, managed ? sources : []);
      addVariableSource(sslVariable);
    },
    security: () => secured,
    connectionChecker: (exchange) => secured?.refusal(exchange),
    accessChecker: (exchange) => checkAccess(exchange, thread!),
    authChecker: checkStrictly,
    userChecker: (exchange) => secured === undefined ? undefined : fakeBasicAuth(exchange, thread!),
  };
}

/** The module; `sources` have certificates for hosts that name none. */
export function ssl(sources: readonly CertificateSource[]): ServerModule {
  /** What was read last, in the control process: it is in force when a watchdog begins. */
  let latest: SslMaterial | undefined;
  return {
    name: "ssl_module",
    source: "mod_ssl.c",
    directives: sslRows,
    material: (config, facts, warn) => latest = readMaterial(config, facts, warn, sources),
    watchdog(_config, context) {
      const stapled = new Map(
        latest?.hosts.flatMap(({ stapled }) => stapled ? [[stapled.digest, stapled]] : []),
      );
      if (stapled.size === 0) return undefined;
      return startStapling([...stapled.values()], staplingRecords, context);
    },
    beginProcess(material) {
      const { hosts, stapled, managed } = material as SslMaterial;
      const openssl = openSsl();
      const contexts = hosts.map((host): SharedContext => ({
        host: host.host,
        context: makeContext(openssl, host),
        identity: host.settings.identity,
        clientPolicy: host.settings.clientPolicy,
        provisional: host.provisional,
        record: host.stapled && stapled?.records[host.stapled.digest],
      }));
      return {
        shared: { contexts, stapled: stapled && mapStapled(stapled.place), managed } satisfies SslShared,
        end() {
          // Sessions that are still there keep theirs.
          for (const { context } of contexts) openssl.ssl.SSL_CTX_free(context);
        },
      };
    },
    hooks: () => hooks(sources),
  };
}
