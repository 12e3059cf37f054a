// What is done with an SSL object of a connection? Handshake, records in and out, the end. One object, given by its address,
// belongs to one thread at a time, and has a descriptor of which it reads and writes itself.

import { bytesAt, openSsl, takeError } from "./openssl.ts";
import { Errno } from "./posix.ts";

const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_ZERO_RETURN = 6;

/** How a call went that did not succeed. */
type Outcome = "read" | "write" | "end" | "failed";

/** The most bytes of one record (RFC 8446, 5.1). */
const RECORD = 1 << 14;

/** Where OpenSSL tells which protocol was agreed on. */
const selected = new BigUint64Array(1);
const selectedLength = new Uint32Array(1);

/** Calls for one thread, all about the session that they are given. */
export class SecureSessions {
  readonly #openssl = openSsl();
  /** The last read stopped although OpenSSL has more in its buffers, which no poller will report. */
  buffered = false;
  /** The last read cannot go on before the descriptor takes output. */
  wantsWrite = false;
  /** Why the last call failed. */
  #reason = "";

  /** A session of a connection that was accepted, by the settings of `context`. Returns 0n when there is no memory. */
  begin(context: bigint, fd: number): bigint {
    const { ssl } = this.#openssl;
    const session = ssl.SSL_new(context);
    if (session === 0n) return 0n;
    ssl.SSL_set_fd(session, fd);
    ssl.SSL_set_accept_state(session);
    return session;
  }

  /** The protocol that was agreed on (ALPN). */
  protocol(session: bigint): string | undefined {
    const { ssl, crypto } = this.#openssl;
    ssl.SSL_get0_alpn_selected(session, selected, selectedLength);
    return selectedLength[0] === 0
      ? undefined
      : new TextDecoder().decode(bytesAt(crypto, selected[0], selectedLength[0]));
  }

  /** Why the last call failed, in OpenSSL's words. */
  get reason(): string {
    return this.#reason;
  }

  #outcome(session: bigint, result: number): Outcome {
    const error = this.#openssl.ssl.SSL_get_error(session, result);
    if (error === SSL_ERROR_WANT_READ) return "read";
    if (error === SSL_ERROR_WANT_WRITE) return "write";
    if (error === SSL_ERROR_ZERO_RETURN) return "end";
    this.#reason = takeError(this.#openssl, "the connection was broken off");
    return "failed";
  }

  /** A step of the handshake: it is over, or waits for the descriptor, or came to nothing. */
  shakeHands(session: bigint): "done" | Outcome {
    const { ssl, crypto } = this.#openssl;
    crypto.ERR_clear_error();
    const result = ssl.SSL_do_handshake(session);
    if (result === 1) {
      // What was tried and given up on the way may have left something.
      crypto.ERR_clear_error();
      return "done";
    }
    return this.#outcome(session, result);
  }

  /** Reads what there is, as much as `bytes` holds. Returns the count, 0 at the orderly end, or -errno (EPROTO: broken). */
  receive(session: bigint, bytes: Uint8Array<ArrayBuffer>): number {
    const { ssl } = this.#openssl;
    this.buffered = false;
    this.wantsWrite = false;
    let total = 0;
    do {
      const part = total === 0 ? bytes : bytes.subarray(total);
      const n = ssl.SSL_read(session, part, part.length);
      if (n <= 0) return this.#notRead(session, n, total);
      total += n;
      if (ssl.SSL_has_pending(session) === 0) return total;
    } while (bytes.length - total >= RECORD);
    this.buffered = true;
    return total;
  }

  #notRead(session: bigint, result: number, total: number): number {
    const outcome = this.#outcome(session, result);
    this.wantsWrite = outcome === "write";
    if (total > 0) {
      // An end, or a failure, is told again by the next call.
      this.buffered = outcome === "end" || outcome === "failed";
      return total;
    }
    if (outcome === "end") return 0;
    return outcome === "failed" ? -Errno.EPROTO : -Errno.EAGAIN;
  }

  /**
   * Sends the first `length` of `bytes`, record by record. Returns the count (perhaps fewer), or -errno. After fewer, or EAGAIN, the
   * next call has to begin with what was not sent: its first record is encrypted already.
   */
  send(session: bigint, bytes: Uint8Array<ArrayBuffer>, length: number): number {
    const { ssl } = this.#openssl;
    let sent = 0;
    while (sent < length) {
      const n = ssl.SSL_write(session, sent === 0 ? bytes : bytes.subarray(sent), length - sent);
      if (n <= 0) {
        const outcome = this.#outcome(session, n);
        if (outcome !== "read" && outcome !== "write") return -Errno.EPIPE;
        return sent > 0 ? sent : -Errno.EAGAIN;
      }
      sent += n;
    }
    return sent;
  }

  /** Ends a session; `orderly`: the peer is told that nothing was cut off (close_notify), as far as it takes that at once. */
  end(session: bigint, orderly: boolean): void {
    const { ssl, crypto } = this.#openssl;
    if (orderly) {
      ssl.SSL_shutdown(session);
      crypto.ERR_clear_error();
    }
    ssl.SSL_free(session);
  }
}
