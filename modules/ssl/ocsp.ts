// What is asked of an OCSP responder (RFC 6960), and what does it answer? Requests for a certificate, and answers looked at, by OpenSSL.

import { bytesAt, type OpenSsl, textAt } from "../../platform/openssl.ts";
import { withCertificates } from "./certificates.ts";

/** What is to be asked about a certificate. */
export interface OcspQuestion {
  /** DER. */
  readonly request: Uint8Array<ArrayBuffer>;
  /** The responder that the certificate names; undefined: it names none. */
  readonly url: string | undefined;
}

/** What a responder has answered. */
export interface OcspAnswer {
  /** OCSPResponseStatus in words, if it is not "successful". */
  readonly error?: string;
  /** What is wrong with a successful one, with its number in httpd's messages. */
  readonly problem?: { readonly ah: string; readonly message: string };
  /** What is said of the certificate, unless that is good; for people. */
  readonly notGood?: string;
  /** ms since 1970; undefined: it does not say. */
  readonly nextUpdate?: number;
}

/** OCSPResponse { responseStatus tryLater }. */
export const TRY_LATER: Uint8Array<ArrayBuffer> = new Uint8Array([0x30, 0x03, 0x0a, 0x01, 0x03]);

const GOOD = 0;
const NO_REASON = -1;

/** Runs `use` with the id of the first certificate of a PEM text, whose issuer is among the others; undefined: it is not. */
function withId<T>(openssl: OpenSsl, pem: string, use: (id: bigint, leaf: bigint) => T): T | undefined {
  const { crypto } = openssl;
  return withCertificates(openssl, pem, ([leaf, ...chain]) => {
    const issuer = chain.find((one) => crypto.X509_check_issued(one, leaf) === 0);
    if (leaf === undefined || issuer === undefined) return undefined;
    const id = crypto.OCSP_cert_to_id(0n, leaf, issuer);
    if (id === 0n) return undefined;
    try {
      return use(id, leaf);
    } finally {
      crypto.OCSP_CERTID_free(id);
      crypto.ERR_clear_error();
    }
  });
}

/** What to ask about the first certificate of a PEM text; undefined: its issuer is not there. */
export function ocspQuestion(openssl: OpenSsl, pem: string): OcspQuestion | undefined {
  const { crypto } = openssl;
  return withId(openssl, pem, (_id, leaf) => {
    const request = requestFor(openssl, pem);
    const urls = crypto.X509_get1_ocsp(leaf);
    const url = urls === 0n || crypto.OPENSSL_sk_num(urls) === 0
      ? undefined
      : textAt(crypto, crypto.OPENSSL_sk_value(urls, 0));
    if (urls !== 0n) crypto.X509_email_free(urls);
    return { request, url };
  });
}

function requestFor(openssl: OpenSsl, pem: string): Uint8Array<ArrayBuffer> {
  const { crypto } = openssl;
  const request = crypto.OCSP_REQUEST_new();
  try {
    withCertificates(openssl, pem, ([leaf, ...chain]) => {
      const issuer = chain.find((one) => crypto.X509_check_issued(one, leaf) === 0)!;
      // The request owns it.
      crypto.OCSP_request_add0_id(request, crypto.OCSP_cert_to_id(0n, leaf, issuer));
    });
    const out = new BigUint64Array(1);
    const length = crypto.i2d_OCSP_REQUEST(request, new Uint8Array(out.buffer));
    const bytes = bytesAt(crypto, out[0], Math.max(length, 0));
    crypto.CRYPTO_free(out[0], 0n, 0);
    return bytes;
  } finally {
    crypto.OCSP_REQUEST_free(request);
  }
}

/** Looks at a response about the first certificate of `pem`. `skew` and `age` in seconds; -1: any age. Undefined: it is none at all. */
export function readAnswer(
  openssl: OpenSsl,
  pem: string,
  response: Uint8Array<ArrayBuffer>,
  skew: number,
  age: number,
): OcspAnswer | undefined {
  const { crypto } = openssl;
  const parsed = crypto.d2i_OCSP_RESPONSE(0n, addressOf(openssl, response), BigInt(response.length));
  if (parsed === 0n) {
    crypto.ERR_clear_error();
    return undefined;
  }
  try {
    const status = crypto.OCSP_response_status(parsed);
    if (status !== 0) return { error: textAt(crypto, crypto.OCSP_response_status_str(BigInt(status))) };
    return withId(openssl, pem, (id) => basicAnswer(openssl, parsed, id, skew, age)) ?? {};
  } finally {
    crypto.OCSP_RESPONSE_free(parsed);
  }
}

/** A place with the address of `bytes`, as the library wants it of who reads from there. */
function addressOf(_openssl: OpenSsl, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const place = new BigUint64Array([Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))]);
  return new Uint8Array(place.buffer);
}

function basicAnswer(
  openssl: OpenSsl,
  response: bigint,
  id: bigint,
  skew: number,
  age: number,
): OcspAnswer {
  const { crypto } = openssl;
  const basic = crypto.OCSP_response_get1_basic(response);
  if (basic === 0n) return { problem: { ah: "AH01934", message: "Error Parsing Response!" } };
  try {
    const numbers = new Int32Array(2);
    const times = new BigUint64Array(3);
    const found = crypto.OCSP_resp_find_status(
      basic,
      id,
      new Uint8Array(numbers.buffer, 0, 4),
      new Uint8Array(numbers.buffer, 4, 4),
      ...[0, 8, 16].map((at) => new Uint8Array(times.buffer, at, 8)) as [
        Uint8Array<ArrayBuffer>,
        Uint8Array<ArrayBuffer>,
        Uint8Array<ArrayBuffer>,
      ],
    );
    if (found !== 1) {
      return { problem: { ah: "AH01935", message: "certificate ID not present in response!" } };
    }
    const [, thisUpdate, nextUpdate] = times;
    if (crypto.OCSP_check_validity(thisUpdate, nextUpdate, BigInt(skew), BigInt(age)) !== 1) {
      return { problem: { ah: "AH01936", message: "response times invalid" } };
    }
    const [status, reason] = numbers;
    const why = reason === NO_REASON ? "n/a" : textAt(crypto, crypto.OCSP_crl_reason_str(BigInt(reason)));
    return {
      nextUpdate: nextUpdate === 0n ? undefined : timeOf(openssl, nextUpdate),
      notGood: status === GOOD
        ? undefined
        : `response has certificate status ${
          textAt(crypto, crypto.OCSP_cert_status_str(BigInt(status)))
        } (reason: ${why})`,
    };
  } finally {
    crypto.OCSP_BASICRESP_free(basic);
  }
}

/** ms since 1970 of an ASN1_TIME: so far from now. */
function timeOf({ crypto }: OpenSsl, time: bigint): number {
  const days = new Int32Array(2);
  crypto.ASN1_TIME_diff(new Uint8Array(days.buffer, 0, 4), new Uint8Array(days.buffer, 4, 4), 0n, time);
  return Date.now() + (days[0] * 86_400 + days[1]) * 1000;
}
