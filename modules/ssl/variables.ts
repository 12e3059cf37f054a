// What do logs, conditions and applications learn of an encrypted connection? The variables of mod_ssl, found out when they are asked
// for.

import { bioText, bytesAt, type OpenSsl, openSsl, textAt } from "../../platform/openssl.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { requestedName } from "./contexts.ts";

/** XN_FLAG_RFC2253 without escapes of what is not ASCII, as httpd shows names. */
const NAME_FLAGS = 0x1110317n & ~4n;
const VERIFY_OK = 0n;
const X509_V_ERR_NO_CERTIFICATE = "NONE";

type Value = (openssl: OpenSsl, session: bigint) => string | undefined;
type OfCertificate = (openssl: OpenSsl, certificate: bigint) => string | undefined;

function name(openssl: OpenSsl, of: bigint): string {
  return bioText(openssl, (bio) => openssl.crypto.X509_NAME_print_ex(bio, of, 0, NAME_FLAGS));
}

/** What is said of a certificate, behind SSL_SERVER_ and SSL_CLIENT_. */
const OF_CERTIFICATE: Readonly<Record<string, OfCertificate>> = {
  M_VERSION: ({ crypto }, x) => String(crypto.X509_get_version(x) + 1n),
  M_SERIAL: (openssl, x) =>
    bioText(openssl, (bio) => openssl.crypto.i2a_ASN1_INTEGER(bio, openssl.crypto.X509_get_serialNumber(x))),
  V_START: (openssl, x) =>
    bioText(openssl, (bio) => openssl.crypto.ASN1_TIME_print(bio, openssl.crypto.X509_get0_notBefore(x))),
  V_END: (openssl, x) =>
    bioText(openssl, (bio) => openssl.crypto.ASN1_TIME_print(bio, openssl.crypto.X509_get0_notAfter(x))),
  S_DN: (openssl, x) => name(openssl, openssl.crypto.X509_get_subject_name(x)),
  I_DN: (openssl, x) => name(openssl, openssl.crypto.X509_get_issuer_name(x)),
  CERT: (openssl, x) => bioText(openssl, (bio) => openssl.crypto.PEM_write_bio_X509(bio, x)),
};

/** `S_DN_CN`: a part of a name, the first of its kind or (`_n`) another. */
function partOf(openssl: OpenSsl, certificate: bigint, item: string): string | undefined {
  const [, whose, kind, number] = /^([SI]_DN)_([A-Za-z]+)(?:_(\d+))?$/.exec(item) ?? [];
  if (whose === undefined) return undefined;
  const whole = OF_CERTIFICATE[whose](openssl, certificate)!;
  const wanted = kind === "Email" ? "emailAddress" : kind;
  const parts = [...whole.matchAll(/(?:^|,|\+)([A-Za-z]+)=((?:\\.|[^,+\\])*)/g)].filter(([, key]) =>
    key === wanted
  )
    .reverse();
  return parts[Number(number ?? 0)]?.[2].replace(/\\(.)/g, "$1");
}

function certificateValue(openssl: OpenSsl, certificate: bigint, item: string): string | undefined {
  return Object.hasOwn(OF_CERTIFICATE, item)
    ? OF_CERTIFICATE[item](openssl, certificate)
    : partOf(openssl, certificate, item);
}

function clientValue(openssl: OpenSsl, session: bigint, item: string): string | undefined {
  const certificate = openssl.ssl.SSL_get1_peer_certificate(session);
  if (certificate === 0n) return undefined;
  try {
    return certificateValue(openssl, certificate, item);
  } finally {
    openssl.crypto.X509_free(certificate);
  }
}

function verified(openssl: OpenSsl, session: bigint): string {
  const { ssl, crypto } = openssl;
  const certificate = ssl.SSL_get1_peer_certificate(session);
  if (certificate === 0n) return X509_V_ERR_NO_CERTIFICATE;
  crypto.X509_free(certificate);
  const result = ssl.SSL_get_verify_result(session);
  return result === VERIFY_OK
    ? "SUCCESS"
    : `FAILED:${textAt(crypto, crypto.X509_verify_cert_error_string(result))}`;
}

function bits({ ssl }: OpenSsl, session: bigint, algorithm: boolean): string {
  const buffer = new Uint8Array(4);
  const used = ssl.SSL_CIPHER_get_bits(ssl.SSL_get_current_cipher(session), buffer);
  return String(algorithm ? new DataView(buffer.buffer).getInt32(0, true) : used);
}

function sessionId({ ssl, crypto }: OpenSsl, session: bigint): string {
  const length = new Uint8Array(4);
  const of = ssl.SSL_get_session(session);
  if (of === 0n) return "";
  const address = ssl.SSL_SESSION_get_id(of, length);
  return bytesAt(crypto, address, new DataView(length.buffer).getUint32(0, true)).toHex();
}

/** Without their SSL_. */
const VALUES: Readonly<Record<string, Value>> = {
  PROTOCOL: ({ ssl, crypto }, session) => textAt(crypto, ssl.SSL_get_version(session)),
  CIPHER: ({ ssl, crypto }, session) =>
    textAt(crypto, ssl.SSL_CIPHER_get_name(ssl.SSL_get_current_cipher(session))),
  CIPHER_EXPORT: () => "false",
  CIPHER_USEKEYSIZE: (openssl, session) => bits(openssl, session, false),
  CIPHER_ALGKEYSIZE: (openssl, session) => bits(openssl, session, true),
  COMPRESS_METHOD: () => "NULL",
  SECURE_RENEG: () => "true",
  SESSION_ID: sessionId,
  SESSION_RESUMED: ({ ssl }, session) => ssl.SSL_session_reused(session) === 1 ? "Resumed" : "Initial",
  TLS_SNI: (openssl, session) => requestedName(openssl, session),
  VERSION_INTERFACE: () => "mod_ssl",
  VERSION_LIBRARY: ({ version }) => version.split(" ").slice(0, 2).join("/"),
  CLIENT_VERIFY: verified,
};

/** The value of a variable such as SSL_PROTOCOL or HTTPS; undefined: there is none. */
export function sslVariable({ transport: { security } }: Exchange, variable: string): string | undefined {
  const session = security?.session ?? 0n;
  if (session === 0n) return undefined;
  if (variable === "HTTPS") return "on";
  if (!variable.startsWith("SSL_")) return undefined;
  const openssl = openSsl();
  const item = variable.slice("SSL_".length);
  if (Object.hasOwn(VALUES, item)) return VALUES[item](openssl, session);
  if (item.startsWith("CLIENT_")) return clientValue(openssl, session, item.slice("CLIENT_".length));
  if (!item.startsWith("SERVER_")) return undefined;
  const own = openssl.ssl.SSL_get_certificate(session);
  return own === 0n ? undefined : certificateValue(openssl, own, item.slice("SERVER_".length));
}
