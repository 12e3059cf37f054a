// How do handshakes come by responses of OCSP? The control process writes them into memory that all processes share, a record for each
// certificate; a thread takes a copy for the session that it begins.

import { mapShared, memoryAt, sharedFile } from "../../platform/shared_memory.ts";
import type { OpenSsl } from "../../platform/openssl.ts";

/** Bytes of a record: a count of changes that is odd while one is under way, a length, until when (seconds since 1970), the response. */
const RECORD = 8192;
const HEAD = 16;
const CHANGES = 0;
const LENGTH = 1;
const UNTIL = 2;
/** SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP. */
const SET_RESPONSE = 71;

/** Records for all certificates, as processes are told of them. Plain data. */
export interface StapledPlace {
  readonly fd: number;
  readonly size: number;
}

/** The memory of one process, as its threads are told of it. Plain data. */
export interface StapledMemory {
  readonly address: bigint;
  readonly size: number;
}

/** Maps the memory of all processes into this one. @throws SystemError */
export function mapStapled({ fd, size }: StapledPlace): StapledMemory {
  return { address: mapShared(fd, size), size };
}

/** The most bytes of a response. */
export const LONGEST_RESPONSE = RECORD - HEAD;

/** The records, as one thread reads or the control process writes them. */
export class StapledResponses {
  readonly #address: bigint;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor({ address, size }: StapledMemory) {
    const memory = memoryAt(address, size);
    this.#address = address;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** Puts a response into a record, until then (ms since 1970); an empty one takes away what was there. */
  write(record: number, response: Uint8Array, until: number): void {
    const at = record * RECORD / 4;
    const words = this.#words;
    Atomics.add(words, at + CHANGES, 1);
    Atomics.store(words, at + LENGTH, response.length);
    Atomics.store(words, at + UNTIL, Math.ceil(until / 1000));
    this.#bytes.set(response, record * RECORD + HEAD);
    Atomics.add(words, at + CHANGES, 1);
  }

  /** Gives `session`, which begins, the response of a record, if it holds at `now` (ms since 1970). */
  attach({ ssl, crypto }: OpenSsl, session: bigint, record: number, now: number): void {
    const at = record * RECORD / 4;
    const words = this.#words;
    const before = Atomics.load(words, at + CHANGES);
    const length = Atomics.load(words, at + LENGTH);
    // The next session gets what is being written.
    if (before % 2 !== 0 || length <= 0 || length > LONGEST_RESPONSE) return;
    if (Atomics.load(words, at + UNTIL) * 1000 <= now) return;
    const copy = crypto.CRYPTO_memdup(this.#address + BigInt(record * RECORD + HEAD), BigInt(length), 0n, 0);
    if (copy === 0n) return;
    if (Atomics.load(words, at + CHANGES) === before) {
      ssl.SSL_ctrl(session, SET_RESPONSE, BigInt(length), copy);
    } else crypto.CRYPTO_free(copy, 0n, 0);
  }
}

/** The records of the control process: each certificate keeps its own over restarts. */
export class StapledRecords {
  #place: StapledPlace | undefined;
  #responses: StapledResponses | undefined;
  readonly #records = new Map<string, number>();

  /** Room for certificates with these digests. More than there is room for, and the memory is another from then on. @throws SystemError */
  reserve(digests: readonly string[]): StapledPlace {
    for (const digest of digests) {
      if (!this.#records.has(digest)) this.#records.set(digest, this.#records.size);
    }
    const size = this.#records.size * RECORD;
    if (this.#place !== undefined && this.#place.size >= size) return this.#place;
    // Those that run have the old one, until they end.
    this.#records.clear();
    digests.forEach((digest, i) => this.#records.set(digest, i));
    const wanted = Math.max(digests.length * 2, 8) * RECORD;
    this.#place = { fd: sharedFile(wanted), size: wanted };
    this.#responses = new StapledResponses(mapStapled(this.#place));
    return this.#place;
  }

  /** The number of a certificate's record. */
  recordOf(digest: string): number {
    return this.#records.get(digest)!;
  }

  write(digest: string, response: Uint8Array, until: number): void {
    const record = this.#records.get(digest);
    if (record !== undefined) this.#responses!.write(record, response, until);
  }
}
