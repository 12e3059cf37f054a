// What do children need for TLS that only the control process can read? Certificates, keys and authorities of all hosts, read and
// checked, as texts: they travel in memory, and children need not be able to read the files.

import { ConfigError, type ServerConfig, type VirtualServer, type Where } from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import { canSelectProtocols } from "../../platform/alpn_select.ts";
import { NoOpenSsl, type OpenSsl, openSsl } from "../../platform/openssl.ts";
import type { MaterialFacts } from "../../server/request/module.ts";
import { checkPair, datesProblem, digestOf, nameProblem, readablePrivateKey } from "./certificates.ts";
import { PROTOCOLS, type SslServer, sslServer } from "./config.ts";
import { ContextError, makeContext } from "./contexts.ts";
import { FileReader } from "./file_reader.ts";
import type { CertificateSource, ManagedPairs } from "./managed.ts";
import { type StapledPlace, StapledRecords } from "./stapled.ts";
import { type StapledCertificate, stapledCertificate } from "./stapling.ts";
import { ticketKeys } from "./ticket_keys.ts";

/** A certificate with its chain, and its private key; PEM. */
export interface PairMaterial {
  readonly certificates: string;
  readonly key: string;
}

/** What one host's connections need. Plain data. */
export interface HostMaterial {
  /** 0: the main server, else the virtual hosts in their order. */
  readonly host: number;
  /** For messages: `name:port`, and the place of SSLEngine. */
  readonly name: string;
  readonly where: Where;
  /** ServerName, if there is one. */
  readonly serverName: string | undefined;
  readonly pairs: readonly PairMaterial[];
  /** PEM; "" where there are none. */
  readonly clientAuthorities: string;
  readonly announcedAuthorities: string;
  readonly revocations: string;
  readonly settings: HostSettings;
  /** Its certificate is one of the meantime: requests are answered with 503. */
  readonly provisional: boolean;
  /** Its certificate, if responses of OCSP are stapled. */
  readonly stapled: StapledCertificate | undefined;
}

/** The values that make a context, beside certificates. */
export interface HostSettings extends
  Readonly<
    Pick<
      SslServer,
      "cipherList" | "cipherSuites" | "honorCipherOrder" | "revocationCheck" | "sessionCache" | "commands"
    >
  > {
  readonly protocols: NonNullable<SslServer["protocols"]>;
  /** Those that are agreed on in the handshake (ALPN), the preferred first; none: HTTP/1.1 is spoken, without a word about it. */
  readonly applicationProtocols: readonly string[];
  readonly verifyClient: NonNullable<SslServer["verifyClient"]>;
  readonly verifyDepth: number;
  readonly tickets: boolean;
  /** 80 bytes in hexadecimal digits. */
  readonly ticketKeys: string;
  readonly sessionTimeout: number;
  /** Connections whose handshakes were for hosts with other letters here may not be used for this one. */
  readonly identity: string;
  readonly clientPolicy: string;
}

/** What the processes that serve are given. */
export interface SslMaterial {
  /** Some hosts have their certificates from other modules. */
  readonly managed: boolean;
  readonly hosts: readonly HostMaterial[];
  /** Where responses of OCSP are, and the number of each certificate's by its digest; undefined: none are stapled. */
  readonly stapled:
    | { readonly place: StapledPlace; readonly records: Readonly<Record<string, number>> }
    | undefined;
}

interface SecuredHost {
  readonly host: VirtualServer;
  readonly index: number;
  readonly ssl: SslServer;
  /** What another module has for it. */
  readonly managed: ManagedPairs | undefined;
}

/** The hosts whose connections are encrypted, with their numbers. */
function securedHosts(
  config: ServerConfig,
  securePorts: MaterialFacts["securePorts"],
  sources: readonly CertificateSource[],
): SecuredHost[] {
  return [config.main, ...config.hosts]
    .map((host, index) => ({ host, index, ssl: host.store.get(sslServer) }))
    .filter(({ host, ssl }) =>
      ssl.engine === "on" || (ssl.engine === undefined && isMeant(host, ssl, securePorts))
    ).map((found) => {
      const managed = sources.map((source) => source.pairsFor(config, found.host)).find((one) =>
        one !== undefined
      );
      return { ...found, managed };
    });
}

/** A host with a certificate, on ports that are for https, need not say SSLEngine. */
function isMeant(
  { addresses }: VirtualServer,
  ssl: SslServer,
  securePorts: MaterialFacts["securePorts"],
): boolean {
  return ssl.certificates.length > 0 && addresses.length > 0 &&
    addresses.every(({ port }) => port !== undefined && securePorts.has(port));
}

function placeOf({ engineAt, certificates }: SslServer): Where {
  return engineAt ?? certificates[0].where;
}

/** Reads and checks everything. Undefined where no connection is encrypted. @throws ConfigError */
export function readMaterial(
  config: ServerConfig,
  { relayed, securePorts }: MaterialFacts,
  warn: (where: Where, message: string) => void,
  sources: readonly CertificateSource[],
): SslMaterial | undefined {
  const secured = securedHosts(config, securePorts, sources);
  if (secured.length === 0) return undefined;
  const where = placeOf(secured[0].ssl);
  if (relayed) {
    throw new ConfigError(
      where,
      "SSLEngine on: TLS needs connections that are descriptors, and here they are relayed (-V says why)",
      "SSLEngine",
    );
  }
  let openssl: OpenSsl;
  try {
    openssl = openSsl();
  } catch (error) {
    if (!(error instanceof NoOpenSsl)) throw error;
    throw new ConfigError(
      where,
      `SSLEngine on: TLS needs libssl of OpenSSL 3.0 or later, which does not load: ${error.message}`,
      "SSLEngine",
    );
  }
  const read = new FileReader();
  // One that is managed has no certificate before the server has been started once.
  const hosts = secured.filter(({ ssl, managed }) =>
    ssl.certificates.length > 0 || managed === undefined || managed.pairs.length > 0
  ).map((host) => hostMaterial(openssl, read, host, warn));
  if (
    !canSelectProtocols() && secured.some(({ host }) => host.store.get(coreServer).protocols?.includes("h2"))
  ) {
    warn(where, `Protocols h2: not offered over TLS, which takes Linux on x86-64 or ARM64`);
  }
  for (const host of hosts) {
    tryContext(openssl, host);
    if (host.provisional) {
      warn(
        host.where,
        `AH10085: Init: ${host.name} will respond with '503 Service Unavailable' for now. There are no SSL ` +
          "certificates configured and no other module contributed any.",
      );
      continue;
    }
    for (const { certificates } of host.pairs) {
      const problem = datesProblem(openssl, certificates) ??
        nameProblem(openssl, certificates, host.serverName);
      if (problem !== undefined) warn(host.where, `${host.name}: the server certificate ${problem}`);
    }
  }
  const managed = secured.some(({ managed }) => managed !== undefined);
  return { managed, hosts, stapled: stapledRecords(hosts) };
}

/** Responses of OCSP: of the control process, for all processes that serve. */
export const staplingRecords: StapledRecords = new StapledRecords();

function stapledRecords(hosts: readonly HostMaterial[]): SslMaterial["stapled"] {
  const digests = [...new Set(hosts.flatMap(({ stapled }) => stapled?.digest ?? []))];
  if (digests.length === 0) return undefined;
  const place = staplingRecords.reserve(digests);
  return {
    place,
    records: Object.fromEntries(digests.map((digest) => [digest, staplingRecords.recordOf(digest)])),
  };
}

/** OpenSSL takes what children will be given. @throws ConfigError */
function tryContext(openssl: OpenSsl, host: HostMaterial): void {
  try {
    openssl.ssl.SSL_CTX_free(makeContext(openssl, host));
  } catch (error) {
    if (!(error instanceof ContextError)) throw error;
    throw new ConfigError(
      host.where,
      `${host.name}: ${error.directive ?? "SSLEngine"}: ${error.reason}`,
      "SSLEngine",
    );
  }
}

function hostMaterial(
  openssl: OpenSsl,
  read: FileReader,
  { host, index, ssl, managed }: SecuredHost,
  warn: (where: Where, message: string) => void,
): HostMaterial {
  const name = hostName(host);
  const where = placeOf(ssl);
  const provisional = ssl.certificates.length === 0 && managed?.provisional === true;
  const files = [
    ...ssl.certificates.map((certificate, i) => ({ certificate, key: ssl.keys[i] ?? certificate })),
    ...managed === undefined || managed.provisional && !provisional ? [] : managed.pairs,
  ];
  if (files.length === 0) {
    throw new ConfigError(
      where,
      `AH01909: ${name}: SSLEngine on, and no certificate: SSLCertificateFile is missing`,
      "SSLEngine",
    );
  }
  const chain = ssl.chain === undefined ? "" : read.text(ssl.chain);
  const pairs = files.map(({ certificate: file, key: keyFile }, i) => {
    const certificates = `${read.text(file)}\n${chain}`;
    const key = readablePrivateKey(
      openssl,
      read.text(keyFile),
      keyFile,
      ssl.passPhraseProgram,
      `${name}:${i}`,
    );
    checkPair(openssl, certificates, key, file, keyFile);
    return { certificates, key };
  });
  const verifyClient = ssl.verifyClient ?? "none";
  const clientAuthorities = read.all(ssl.clientAuthorities);
  if (verifyClient !== "none" && clientAuthorities === "") {
    throw new ConfigError(
      where,
      `AH02560: ${name}: SSLVerifyClient ${verifyClient} needs authorities: SSLCACertificateFile or SSLCACertificatePath`,
      "SSLEngine",
    );
  }
  const revocations = read.all(ssl.revocations);
  if ((ssl.revocationCheck ?? "none") !== "none" && revocations === "") {
    throw new ConfigError(
      where,
      `${name}: SSLCARevocationCheck ${ssl.revocationCheck} needs SSLCARevocationFile or SSLCARevocationPath`,
      "SSLEngine",
    );
  }
  const { cipherList, cipherSuites, honorCipherOrder, revocationCheck, sessionCache, commands } = ssl;
  const protocols = ssl.protocols ?? PROTOCOLS;
  const verifyDepth = ssl.verifyDepth ?? 1;
  const clientPolicy = JSON.stringify([
    verifyClient,
    verifyDepth,
    clientAuthorities,
    revocationCheck,
    revocations,
  ]);
  return {
    host: index,
    name,
    where,
    serverName: host.names.name,
    pairs,
    clientAuthorities,
    announcedAuthorities: read.all(ssl.announcedAuthorities),
    revocations,
    provisional,
    stapled: provisional ? undefined : stapledCertificate(
      openssl,
      ssl,
      pairs.map(({ certificates }) => certificates),
      (message) => warn(where, `${name}: ${message}`),
    ),
    settings: {
      cipherList,
      cipherSuites,
      honorCipherOrder,
      revocationCheck,
      sessionCache,
      commands,
      protocols,
      applicationProtocols: applicationProtocols(host),
      verifyClient,
      verifyDepth,
      tickets: ssl.tickets ?? true,
      ticketKeys: ticketKeys(ssl.ticketKey),
      sessionTimeout: ssl.sessionTimeout ?? 300,
      clientPolicy: digestOf(clientPolicy),
      identity: digestOf(
        JSON.stringify([
          pairs.map(({ certificates }) => certificates),
          protocols,
          cipherList,
          cipherSuites,
          honorCipherOrder,
          commands.map(({ name, value }) => [name, value]),
          clientPolicy,
        ]),
      ),
    },
  };
}

/** Of Protocols, where they have more than HTTP/1.1. */
function applicationProtocols({ store }: VirtualServer): readonly string[] {
  const { protocols = CORE_DEFAULTS.protocols } = store.get(coreServer);
  if (!protocols.includes("h2") || !canSelectProtocols()) return [];
  return protocols.filter((protocol) => protocol !== "h2c" && protocol !== "acme-tls/1");
}

function hostName({ names, addresses }: VirtualServer): string {
  return `${names.name ?? "main server"}:${addresses[0]?.port ?? names.port ?? 443}`;
}
