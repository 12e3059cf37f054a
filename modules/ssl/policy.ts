// Which connections of a thread are encrypted, and for which hosts is a connection good? By the address it came to, and the name that
// the client asked for in its handshake.

import { type OpenSsl, openSsl } from "../../platform/openssl.ts";
import type { Endpoint, SecurityPolicy } from "../../mpm/mod.ts";
import { selectVirtualHost, type ServerConfig, type VirtualServer } from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { sslServer } from "./config.ts";
import { makeChallengeContext, requestedName } from "./contexts.ts";
import type { CertificateSource } from "./managed.ts";
import type { StapledResponses } from "./stapled.ts";

/** The context of a host, as threads are given it. Plain data. */
export interface SharedContext {
  /** 0: the main server, else the virtual hosts in their order. */
  readonly host: number;
  /** The SSL_CTX. */
  readonly context: bigint;
  /** See HostSettings. */
  readonly identity: string;
  readonly clientPolicy: string;
  readonly provisional: boolean;
  /** The record of its OCSP response; undefined: none is stapled. */
  readonly record: number | undefined;
}

interface SecuredHost extends SharedContext {
  readonly server: VirtualServer;
}

const SPOKE_PLAIN = "<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n" +
  " Instead use the HTTPS scheme to access this URL, please.<br />\n</p>\n";

/** The encrypted hosts of a thread. */
export class SecuredHosts implements SecurityPolicy {
  readonly handshakeMs: number;
  readonly firstRequestMs: number;
  readonly #openssl: OpenSsl = openSsl();
  readonly #config: ServerConfig;
  /** The context that contextFor() has made for the session that begins; 0n: none. */
  #challenge = 0n;
  readonly #byServer: ReadonlyMap<VirtualServer, SecuredHost>;
  readonly #byContext: ReadonlyMap<bigint, SecuredHost>;

  constructor(
    readonly thread: ThreadContext,
    contexts: readonly SharedContext[],
    readonly responses: StapledResponses | undefined,
    readonly sources: readonly CertificateSource[],
  ) {
    const { config } = thread;
    this.#config = config;
    const servers = [config.main, ...config.hosts];
    const hosts = contexts.map((shared) => ({ ...shared, server: servers[shared.host] }));
    this.#byServer = new Map(hosts.map((host) => [host.server, host]));
    this.#byContext = new Map(hosts.map((host) => [host.context, host]));
    const { handshakeTimeout, headTimeout, timeout } = {
      ...CORE_DEFAULTS,
      ...config.main.store.get(coreServer),
    };
    this.handshakeMs = handshakeTimeout.initial || timeout;
    this.firstRequestMs = headTimeout.initial || timeout;
  }

  #default({ address, port }: Endpoint): SecuredHost | undefined {
    return this.#byServer.get(selectVirtualHost(this.#config, address, port, undefined));
  }

  secures(local: Endpoint): boolean {
    return this.#default(local) !== undefined;
  }

  contextFor(local: Endpoint, serverName: string | undefined, proves: boolean): bigint {
    if (proves && serverName !== undefined) {
      this.#challenge = this.#challengeContext(serverName);
      if (this.#challenge !== 0n) return this.#challenge;
    }
    const asked = serverName === undefined
      ? undefined
      : this.#byServer.get(selectVirtualHost(this.#config, local.address, local.port, serverName));
    return (asked ?? this.#default(local))?.context ?? 0n;
  }

  /** A context for one session, or 0n. */
  #challengeContext(name: string): bigint {
    for (const source of this.sources) {
      try {
        const pair = source.challengeFor(this.#config, name);
        if (pair !== undefined) return makeChallengeContext(this.#openssl, pair);
      } catch (error) {
        const message = `${name}: no tls-alpn-01 challenge: ${(error as Error).message}`;
        this.thread.log("error", "AH10081", message);
      }
    }
    return 0n;
  }

  begun(session: bigint, context: bigint): void {
    if (context === this.#challenge && context !== 0n) {
      // The session keeps it.
      this.#openssl.ssl.SSL_CTX_free(context);
      this.#challenge = 0n;
    }
    if (session === 0n) return;
    const record = this.responses && this.#byContext.get(context)?.record;
    if (record !== undefined) this.responses!.attach(this.#openssl, session, record, Date.now());
  }

  onFailedHandshake(peer: Endpoint, local: Endpoint, reason: string): void {
    this.thread.log(
      "info",
      "AH02008",
      `SSL library error in handshake (server ${local.address}:${local.port}, client ${peer.address}:${peer.port}): ${reason}`,
    );
  }

  /** The answer to a request that must not be made on its connection; undefined: it may. */
  refusal(exchange: Exchange): Reply | undefined {
    const { session } = exchange.transport.security!;
    if (session === 0n) {
      this.thread.log("info", "AH01996", "SSL handshake failed: HTTP spoken on HTTPS port", exchange);
      return errorReply(400, { html: SPOKE_PLAIN, close: true });
    }
    const asked = this.#byServer.get(exchange.vhost);
    const agreed = this.#byContext.get(this.#openssl.ssl.SSL_get_SSL_CTX(session));
    if (agreed?.provisional === true) return errorReply(503);
    const strict = exchange.vhost.store.get(sslServer).strictSni === true;
    if (asked === agreed && !strict) return undefined;
    const name = requestedName(this.#openssl, session);
    if (name === undefined && strict) {
      const { host } = exchange.head;
      const message = `No hostname was provided via SNI for a name based virtual host ${host ?? ""}`;
      this.thread.log("error", "AH02033", message, exchange);
      return errorReply(403);
    }
    if (asked !== undefined && agreed !== undefined && isCompatible(asked, agreed, name !== undefined)) {
      return undefined;
    }
    const message =
      `Hostname ${
        name ?? "(default host as no SNI was provided)"
      } provided via SNI and hostname ${exchange.head.host} ` +
      "provided via HTTP have no compatible SSL setup";
    this.thread.log("error", "AH02032", message, exchange);
    return errorReply(421, { close: true });
  }
}

/** A connection that was agreed on for one host may be used for the other. A client that named none had no choice of certificates. */
function isCompatible(asked: SharedContext, agreed: SharedContext, named: boolean): boolean {
  if (asked.identity === agreed.identity) return true;
  return !named && asked.clientPolicy === agreed.clientPolicy;
}
