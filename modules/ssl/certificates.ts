// Are a certificate and a key what they should be? Read with OpenSSL; whoever starts the server is told what is wrong, and where.

import { createHash } from "node:crypto";
import { bioText, cText, type OpenSsl, takeError, withBio } from "../../platform/openssl.ts";
import { ConfigError } from "../../server/config/mod.ts";
import type { NamedFile } from "./config.ts";

const encoder = new TextEncoder();

/** Runs `use` with all certificates of a PEM text, and frees them. */
export function withCertificates<T>(openssl: OpenSsl, pem: string, use: (certificates: bigint[]) => T): T {
  const { crypto } = openssl;
  const certificates = withBio(openssl, encoder.encode(pem), (bio) => {
    const found: bigint[] = [];
    for (;;) {
      const certificate = crypto.PEM_read_bio_X509(bio, 0n, 0n, 0n);
      if (certificate === 0n) break;
      found.push(certificate);
    }
    // The last one has failed for want of another.
    crypto.ERR_clear_error();
    return found;
  });
  try {
    return use(certificates);
  } finally {
    for (const certificate of certificates) crypto.X509_free(certificate);
  }
}

/** Runs `use` with the private key of a PEM text without a pass phrase; undefined if there is none. */
export function withKey<T>(
  openssl: OpenSsl,
  pem: string,
  phrase: string,
  use: (key: bigint) => T,
): T | undefined {
  const { crypto } = openssl;
  const key = withBio(
    openssl,
    encoder.encode(pem),
    // With a phrase, be it empty, nobody is asked at the terminal.
    (bio) => crypto.PEM_read_bio_PrivateKey(bio, 0n, 0n, cText(phrase)),
  );
  if (key === 0n) return undefined;
  try {
    return use(key);
  } finally {
    crypto.EVP_PKEY_free(key);
  }
}

/**
 * The private key of a file, as PEM without a pass phrase. `program` is asked for the phrase: it gets `name` and the kind of key as
 * arguments, and writes it to standard output. @throws ConfigError
 */
export function readablePrivateKey(
  openssl: OpenSsl,
  pem: string,
  { path, where, directive }: NamedFile,
  program: string | undefined,
  name: string,
): string {
  const encrypted = /ENCRYPTED/.test(pem);
  if (encrypted && program === undefined) {
    throw new ConfigError(
      where,
      `AH02564: ${directive}: the private key in '${path}' has a pass phrase, and nobody is asked for it at a terminal: use SSLPassPhraseDialog exec:`,
      directive,
    );
  }
  const phrase = encrypted ? askProgram(program!, name, where, directive) : "";
  const text = withKey(
    openssl,
    pem,
    phrase,
    (key) => bioText(openssl, (bio) => openssl.crypto.PEM_write_bio_PrivateKey(bio, key, 0n, 0n, 0, 0n, 0n)),
  );
  if (text !== undefined) return text;
  const reason = takeError(openssl, "there is none");
  throw new ConfigError(
    where,
    `AH02564: ${directive}: no private key could be read from '${path}': ${reason}`,
    directive,
  );
}

function askProgram(program: string, name: string, where: NamedFile["where"], directive: string): string {
  const [command, ...args] = program.split(/\s+/);
  try {
    const { success, code, stdout } = new Deno.Command(command, {
      args: [...args, name, "RSA"],
      stdin: "null",
      stderr: "inherit",
    }).outputSync();
    if (!success) throw new Error(`it ended with ${code}`);
    return new TextDecoder().decode(stdout).replace(/\r?\n[^]*$/, "");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(where, `SSLPassPhraseDialog: '${program}' failed: ${error.message}`, directive);
  }
}

/** Certificate and key belong together, and the certificate holds now. @throws ConfigError */
export function checkPair(
  openssl: OpenSsl,
  certificates: string,
  key: string,
  file: NamedFile,
  keyFile: NamedFile,
): void {
  const { crypto } = openssl;
  withCertificates(openssl, certificates, ([certificate]) => {
    if (certificate === undefined) {
      throw new ConfigError(
        file.where,
        `AH02562: ${file.directive}: '${file.path}' has no certificate (PEM)`,
        file.directive,
      );
    }
    const fits = withKey(openssl, key, "", (pkey) => crypto.X509_check_private_key(certificate, pkey) === 1);
    crypto.ERR_clear_error();
    if (fits !== true) {
      throw new ConfigError(
        keyFile.where,
        `AH02238: ${keyFile.directive}: the private key in '${keyFile.path}' is not that of the certificate in '${file.path}'`,
        keyFile.directive,
      );
    }
  });
}

/** What is wrong with the dates of the first certificate, for people; undefined: nothing. */
export function datesProblem(openssl: OpenSsl, certificates: string): string | undefined {
  const { crypto } = openssl;
  return withCertificates(openssl, certificates, ([certificate]) => {
    if (certificate === undefined) return undefined;
    const begin = crypto.X509_get0_notBefore(certificate);
    const end = crypto.X509_get0_notAfter(certificate);
    const time = (at: bigint) => bioText(openssl, (bio) => crypto.ASN1_TIME_print(bio, at));
    if (crypto.X509_cmp_current_time(begin) > 0) return `does not hold before ${time(begin)}`;
    if (crypto.X509_cmp_current_time(end) < 0) return `has expired on ${time(end)}`;
    return undefined;
  });
}

/** The first certificate is for another name (AH01909); undefined: it is for `name`, or that cannot be said. */
export function nameProblem(
  openssl: OpenSsl,
  certificates: string,
  name: string | undefined,
): string | undefined {
  if (name === undefined || !name.includes(".") || /^[\d.]+$|:/.test(name)) return undefined;
  return withCertificates(openssl, certificates, ([certificate]) => {
    if (certificate === undefined) return undefined;
    const text = new TextEncoder().encode(name);
    const fits = openssl.crypto.X509_check_host(certificate, text, BigInt(text.length), 0, 0n) === 1;
    openssl.crypto.ERR_clear_error();
    return fits ? undefined : `does NOT include an ID which matches the server name ${name} (AH01909)`;
  });
}

/** The digest of a text, hexadecimal digits. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
