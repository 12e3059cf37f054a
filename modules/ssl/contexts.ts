// How does the material of a host become an SSL_CTX? Once per process; all of its threads begin sessions by it.

import { cText, type OpenSsl, takeError, textAt, withBio } from "../../platform/openssl.ts";
import { canSelectProtocols, protocolList, protocolSelector } from "../../platform/alpn_select.ts";
import { statusCallback } from "../../platform/status_callback.ts";
import { withCertificates, withKey } from "./certificates.ts";
import { type Protocol, PROTOCOLS } from "./config.ts";
import type { HostMaterial, HostSettings, PairMaterial } from "./material.ts";

/** Material that OpenSSL does not take. */
export class ContextError extends Error {
  override readonly name = "ContextError";
  /** @param directive the one that is to blame, if it is known */
  constructor(readonly reason: string, readonly directive?: string) {
    super(reason);
  }
}

const CTRL = {
  mode: 33,
  readAhead: 41,
  cacheSize: 42,
  cacheMode: 44,
  ticketKeys: 59,
  statusCallback: 63,
  chainCertificate: 89,
  automaticDh: 118,
  leastVersion: 123,
  mostVersion: 124,
} as const;

/** What was sent may be told in parts, from another place in memory; buffers of idle connections are freed. */
const MODE = 0x1 | 0x2 | 0x10;
const CACHE_OFF = 0;
const CACHE_SERVER = 2;
/** Sessions of clients without tickets that a process keeps per host. */
const CACHE_SIZE = 5000;

const OPTION = {
  noRenegotiation: 1n << 30n,
  serverPreference: 1n << 22n,
  prioritizeChaCha: 1n << 21n,
  noCompression: 1n << 17n,
  noTicket: 1n << 14n,
} as const;

const VERSIONS: Readonly<Record<Protocol, { readonly number: number; readonly off: bigint }>> = {
  "TLSv1": { number: 0x301, off: 1n << 26n },
  "TLSv1.1": { number: 0x302, off: 1n << 28n },
  "TLSv1.2": { number: 0x303, off: 1n << 27n },
  "TLSv1.3": { number: 0x304, off: 1n << 29n },
};

const VERIFY_PEER = 1;
const VERIFY_REQUIRED = 2;
/** X509_V_FLAG_CRL_CHECK, X509_V_FLAG_CRL_CHECK_ALL. */
const CRL_CHECK = 0x4n;
const CRL_CHECK_ALL = 0x8n;
/** SSL_CONF_FLAG_FILE | SERVER | CERTIFICATE. */
const CONF_FLAGS = 0x2 | 0x8 | 0x20;

/** Makes the context of a host. The caller frees it. @throws ContextError */
export function makeContext(openssl: OpenSsl, material: HostMaterial): bigint {
  const { ssl } = openssl;
  const context = ssl.SSL_CTX_new(ssl.TLS_server_method());
  if (context === 0n) throw new ContextError(takeError(openssl, "no memory for a context"));
  try {
    setProtocols(openssl, context, material.settings);
    addPairs(openssl, context, material.pairs);
    setCiphers(openssl, context, material.settings);
    setClients(openssl, context, material);
    setSessions(openssl, context, material);
    agreeOn(openssl, context, material.settings.applicationProtocols);
    if (material.stapled !== undefined) {
      ssl.SSL_CTX_callback_ctrl(context, CTRL.statusCallback, statusCallback());
    }
    carryOutCommands(openssl, context, material.settings);
    openssl.crypto.ERR_clear_error();
    return context;
  } catch (error) {
    ssl.SSL_CTX_free(context);
    throw error;
  }
}

/** A context for an authority that looks for its challenge (RFC 8737). The caller frees it. @throws ContextError */
export function makeChallengeContext(openssl: OpenSsl, pair: PairMaterial): bigint {
  const { ssl } = openssl;
  const context = ssl.SSL_CTX_new(ssl.TLS_server_method());
  if (context === 0n) throw new ContextError(takeError(openssl, "no memory for a context"));
  try {
    addPairs(openssl, context, [pair]);
    agreeOn(openssl, context, CHALLENGE_PROTOCOLS);
    return context;
  } catch (error) {
    ssl.SSL_CTX_free(context);
    throw error;
  }
}

/** What is agreed on with an authority. Asked for once before a thread gives up FFI, it is there later on. */
export function prepareChallenges({ ssl }: OpenSsl): void {
  if (!canSelectProtocols()) return;
  protocolSelector(Deno.UnsafePointer.value(ssl.SSL_select_next_proto));
  protocolList(CHALLENGE_PROTOCOLS);
}

const CHALLENGE_PROTOCOLS = ["acme-tls/1"] as const;

function setProtocols(
  { ssl }: OpenSsl,
  context: bigint,
  { protocols, honorCipherOrder }: HostSettings,
): void {
  ssl.SSL_CTX_ctrl(context, CTRL.mode, BigInt(MODE), 0n);
  ssl.SSL_CTX_ctrl(context, CTRL.readAhead, 1n, 0n);
  ssl.SSL_CTX_ctrl(context, CTRL.automaticDh, 1n, 0n);
  let options = OPTION.noRenegotiation | OPTION.noCompression;
  if (honorCipherOrder === true) options |= OPTION.serverPreference | OPTION.prioritizeChaCha;
  for (const protocol of PROTOCOLS) if (!protocols.includes(protocol)) options |= VERSIONS[protocol].off;
  ssl.SSL_CTX_set_options(context, options);
  ssl.SSL_CTX_ctrl(context, CTRL.leastVersion, BigInt(VERSIONS[protocols[0]].number), 0n);
  ssl.SSL_CTX_ctrl(context, CTRL.mostVersion, BigInt(VERSIONS[protocols.at(-1)!].number), 0n);
}

function addPairs(openssl: OpenSsl, context: bigint, pairs: readonly PairMaterial[]): void {
  const { ssl, crypto } = openssl;
  for (const { certificates, key } of pairs) {
    withCertificates(openssl, certificates, ([leaf, ...chain]) => {
      if (ssl.SSL_CTX_use_certificate(context, leaf) !== 1) {
        throw new ContextError(takeError(openssl, "the certificate is refused"), "SSLCertificateFile");
      }
      // Each is counted up: they are freed here, and by the context.
      for (const each of chain) ssl.SSL_CTX_ctrl(context, CTRL.chainCertificate, 1n, each);
    });
    const used = withKey(openssl, key, "", (pkey) => ssl.SSL_CTX_use_PrivateKey(context, pkey) === 1);
    if (used !== true || ssl.SSL_CTX_check_private_key(context) !== 1) {
      throw new ContextError(takeError(openssl, "the private key is refused"), "SSLCertificateKeyFile");
    }
    crypto.ERR_clear_error();
  }
}

function setCiphers(openssl: OpenSsl, context: bigint, { cipherList, cipherSuites }: HostSettings): void {
  const { ssl } = openssl;
  const refused = (spec: string) =>
    new ContextError(
      `AH01898: no cipher suite of '${spec}' is there: ${takeError(openssl, "")}`,
      "SSLCipherSuite",
    );
  if (cipherList !== undefined && ssl.SSL_CTX_set_cipher_list(context, cText(cipherList)) !== 1) {
    throw refused(cipherList);
  }
  if (cipherSuites !== undefined && ssl.SSL_CTX_set_ciphersuites(context, cText(cipherSuites)) !== 1) {
    throw refused(cipherSuites);
  }
}

function setClients(openssl: OpenSsl, context: bigint, material: HostMaterial): void {
  const { ssl, crypto } = openssl;
  const { verifyClient, verifyDepth, revocationCheck = "none" } = material.settings;
  if (verifyClient === "none") return;
  const store = ssl.SSL_CTX_get_cert_store(context);
  withCertificates(openssl, material.clientAuthorities, (authorities) => {
    if (authorities.length === 0) {
      throw new ContextError("there is no certificate (PEM) in it", "SSLCACertificateFile");
    }
    for (const authority of authorities) crypto.X509_STORE_add_cert(store, authority);
  });
  const announced = material.announcedAuthorities || material.clientAuthorities;
  withCertificates(openssl, announced, (authorities) => {
    for (const authority of authorities) ssl.SSL_CTX_add_client_CA(context, authority);
  });
  if (revocationCheck !== "none") {
    addRevocations(openssl, store, material.revocations);
    crypto.X509_STORE_set_flags(store, revocationCheck === "leaf" ? CRL_CHECK : CRL_CHECK | CRL_CHECK_ALL);
  }
  ssl.SSL_CTX_set_verify(
    context,
    verifyClient === "require" ? VERIFY_PEER | VERIFY_REQUIRED : VERIFY_PEER,
    0n,
  );
  // The library counts what is between certificate and root, httpd the root too.
  ssl.SSL_CTX_set_verify_depth(context, Math.max(0, verifyDepth - 1));
}

function addRevocations(openssl: OpenSsl, store: bigint, pem: string): void {
  const { crypto } = openssl;
  withBio(openssl, new TextEncoder().encode(pem), (bio) => {
    let found = 0;
    for (;; found++) {
      const list = crypto.PEM_read_bio_X509_CRL(bio, 0n, 0n, 0n);
      if (list === 0n) break;
      crypto.X509_STORE_add_crl(store, list);
      crypto.X509_CRL_free(list);
    }
    crypto.ERR_clear_error();
    if (found === 0) throw new ContextError("there is no list (PEM) in it", "SSLCARevocationFile");
  });
}

function setSessions({ ssl }: OpenSsl, context: bigint, { settings, host }: HostMaterial): void {
  const { tickets, ticketKeys, sessionCache, sessionTimeout, identity } = settings;
  // A session is good for the host that it was begun with, with the settings that it had then.
  const id = Uint8Array.fromHex(identity.slice(0, 56)) as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(32);
  whole.set(id);
  new DataView(whole.buffer).setUint32(28, host);
  ssl.SSL_CTX_set_session_id_context(context, whole, whole.length);
  ssl.SSL_CTX_set_timeout(context, BigInt(sessionTimeout));
  ssl.SSL_CTX_ctrl(context, CTRL.cacheMode, BigInt(sessionCache === true ? CACHE_SERVER : CACHE_OFF), 0n);
  ssl.SSL_CTX_ctrl(context, CTRL.cacheSize, BigInt(CACHE_SIZE), 0n);
  if (!tickets) {
    ssl.SSL_CTX_set_options(context, OPTION.noTicket);
    ssl.SSL_CTX_set_num_tickets(context, 0n);
    return;
  }
  const keys = Uint8Array.fromHex(ticketKeys) as Uint8Array<ArrayBuffer>;
  ssl.SSL_CTX_ctrl_bytes(context, CTRL.ticketKeys, BigInt(keys.length), keys);
}

/** What is agreed on beside TLS (ALPN). */
function agreeOn({ ssl }: OpenSsl, context: bigint, protocols: readonly string[]): void {
  if (protocols.length === 0) return;
  const select = protocolSelector(Deno.UnsafePointer.value(ssl.SSL_select_next_proto));
  ssl.SSL_CTX_set_alpn_select_cb(context, select, protocolList(protocols));
}

function carryOutCommands(openssl: OpenSsl, context: bigint, { commands }: HostSettings): void {
  if (commands.length === 0) return;
  const { ssl } = openssl;
  const conf = ssl.SSL_CONF_CTX_new();
  try {
    ssl.SSL_CONF_CTX_set_flags(conf, CONF_FLAGS);
    ssl.SSL_CONF_CTX_set_ssl_ctx(conf, context);
    for (const { name, value } of commands) {
      if (ssl.SSL_CONF_cmd(conf, cText(name), cText(value)) > 0) continue;
      throw new ContextError(
        `AH02407: "SSLOpenSSLConfCmd ${name} ${value}" failed: ${takeError(openssl, "it is not known")}`,
        "SSLOpenSSLConfCmd",
      );
    }
    if (ssl.SSL_CONF_CTX_finish(conf) !== 1) {
      throw new ContextError(
        `AH02547: SSL_CONF_CTX_finish() failed: ${takeError(openssl, "")}`,
        "SSLOpenSSLConfCmd",
      );
    }
  } finally {
    ssl.SSL_CONF_CTX_free(conf);
  }
}

/** The name that the client of a session asked for; undefined: none. */
export function requestedName({ ssl, crypto }: OpenSsl, session: bigint): string | undefined {
  const name = textAt(crypto, ssl.SSL_get_servername(session, 0));
  return name === "" ? undefined : name;
}
