// How does a server get a certificate that nobody has to pay for, or wait for? From an authority of one's own, for development and for
// tests; whoever trusts the authority trusts all that it signs.

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "../../std/x509.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
} as const;
const DAY_MS = 24 * 3600 * 1000;

/** A certificate and its private key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate is to be for. */
export interface IssueOptions {
  readonly commonName: string;
  /** Host names and IP addresses. */
  readonly names?: readonly string[];
  readonly kind?: "ECDSA" | "RSA";
  /** When it begins and ends to hold; default: an hour ago, and in 397 days, the most that browsers take. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** It is a client's. */
  readonly client?: boolean;
}

async function generate(kind: "ECDSA" | "RSA"): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(kind === "RSA" ? RSA : ECDSA, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
}

async function keyText(key: CryptoKey): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
  return `-----BEGIN PRIVATE KEY-----\n${lines(bytes.toBase64())}-----END PRIVATE KEY-----\n`;
}

function lines(base64: string): string {
  return base64.replace(/.{1,64}/g, "$&\n");
}

async function keyOf(text: string): Promise<CryptoKey> {
  const bytes = Uint8Array.fromBase64(text.replace(/-----[^-]+-----|\s/g, "")) as Uint8Array<ArrayBuffer>;
  return await crypto.subtle.importKey("pkcs8", bytes, ECDSA, true, ["sign"]);
}

const pem = (certificate: X509Certificate): string => `${certificate.toString("pem")}\n`;

/** An authority that signs certificates. Its own key is ECDSA. */
export class Authority {
  private constructor(
    readonly issued: Issued,
    readonly certificate: X509Certificate,
    readonly key: CryptoKey,
  ) {}

  /** A new one, good for `days`. */
  static async create(commonName: string, days = 3650): Promise<Authority> {
    const keys = await generate("ECDSA");
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${commonName}`,
      notBefore: new Date(Date.now() - 3600 * 1000),
      notAfter: new Date(Date.now() + days * DAY_MS),
      signingAlgorithm: ECDSA,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Authority(
      { certificate: pem(certificate), key: await keyText(keys.privateKey) },
      certificate,
      keys.privateKey,
    );
  }

  /** One that was kept. @throws whatever is wrong with the texts */
  static async open(issued: Issued): Promise<Authority> {
    return new Authority(issued, new X509Certificate(issued.certificate), await keyOf(issued.key));
  }

  /** `certificate` is one of its own for all of `names`, and holds for `ms` more. */
  holds(certificate: string, ms: number, names: readonly string[]): boolean {
    const parsed = new X509Certificate(certificate);
    const known =
      parsed.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? [];
    return parsed.issuer === this.certificate.subject && parsed.notAfter.getTime() > Date.now() + ms &&
      this.certificate.notAfter.getTime() > Date.now() + ms && names.every((name) => known.includes(name));
  }

  async issue(options: IssueOptions): Promise<Issued> {
    const { commonName, names = [], kind = "ECDSA", client = false } = options;
    const keys = await generate(kind);
    const alternatives = names.map((value): JsonGeneralName => ({
      type: /^[\d.]+$|:/.test(value) ? "ip" : "dns",
      value,
    }));
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${commonName}`,
      issuer: this.certificate.subject,
      notBefore: options.notBefore ?? new Date(Date.now() - 3600 * 1000),
      notAfter: options.notAfter ?? new Date(Date.now() + 397 * DAY_MS),
      signingAlgorithm: ECDSA,
      publicKey: keys.publicKey,
      signingKey: this.key,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([client ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth]),
        await AuthorityKeyIdentifierExtension.create(this.certificate),
        ...alternatives.length > 0 ? [new SubjectAlternativeNameExtension(alternatives)] : [],
      ],
    });
    return { certificate: pem(certificate), key: await keyText(keys.privateKey) };
  }
}

/** 16 random bytes, as a positive number. */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0] & 0x7f | 0x40;
  return bytes.toHex();
}
