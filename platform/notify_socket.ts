// How is a service manager told something? By datagrams to a Unix socket that it names (sd_notify(3)); neither Deno nor Node have
// those. Linux.

import { errno, openLibc, SystemError } from "./posix.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const CLOCK_MONOTONIC = 1;
/** sizeof(sun_path). */
const LONGEST_PATH = 108;

/** A socket that datagrams are sent to. */
export class NotifySocket {
  readonly #libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #fd: number;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #encoder = new TextEncoder();

  /**
   * @param name the path of the socket, or "@" and its name in the abstract namespace
   * @throws RangeError for a name that is neither; SystemError; what Deno.dlopen throws
   */
  constructor(name: string) {
    const bytes = this.#encoder.encode(name);
    if (!/^[/@]./.test(name) || bytes.length >= LONGEST_PATH) {
      throw new RangeError(`${name} is neither a path nor an abstract name of a socket`);
    }
    openLibc();
    this.#libc = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
    this.#address = new Uint8Array(2 + bytes.length);
    new DataView(this.#address.buffer).setUint16(0, AF_UNIX, true);
    this.#address.set(bytes, 2);
    if (name.startsWith("@")) this.#address[2] = 0;
    this.#fd = this.#libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw new SystemError("socket(AF_UNIX)", errno());
  }

  /** Sends one datagram. @throws SystemError when nobody takes it */
  send(text: string): void {
    const bytes = this.#encoder.encode(text);
    const { length } = this.#address;
    if (this.#libc.sendto(this.#fd, bytes, bytes.length, MSG_NOSIGNAL, this.#address, length) < 0) {
      throw new SystemError("sendto", errno());
    }
  }

  /** The clock that a service manager compares with, in microseconds (CLOCK_MONOTONIC). */
  monotonicMicros(): bigint {
    const time = new BigInt64Array(2);
    this.#libc.clock_gettime(CLOCK_MONOTONIC, new Uint8Array(time.buffer));
    return time[0] * 1_000_000n + time[1] / 1000n;
  }
}
