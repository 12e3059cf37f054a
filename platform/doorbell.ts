// How does one process wake another that waits for the same thing, without knowing which? By a descriptor that all of them
// have in their interest sets (eventfd). Linux: elsewhere the kernel wakes everybody for a connection, and nobody has to.

import * as posix from "./posix.ts";

const SYMBOLS = {
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
} as const;

const EFD_NONBLOCK = 0o4000;
const POLLIN = 1;
/** Bytes of a struct pollfd: i32 fd, i16 events, i16 revents. */
const POLLFD = 8;

let libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

function calls() {
  return libc ??= Deno.dlopen(posix.libraryName, SYMBOLS).symbols;
}

/** What an eventfd is told, and what it tells: 64 bits. */
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);
const COUNT = new Uint8Array(8);

/** A bell that several processes hear: readable from ring() until somebody silences it. */
export class Doorbell {
  /** Of a bell that another process has made and left to this one. */
  constructor(readonly fd: number) {}

  /** A new bell, which children inherit; undefined where there is no need for one. @throws SystemError */
  static create(): Doorbell | undefined {
    if (Deno.build.os !== "linux") return undefined;
    const fd = calls().eventfd(0, EFD_NONBLOCK);
    if (fd < 0) throw new posix.SystemError("eventfd", posix.errno());
    return new Doorbell(fd);
  }

  ring(): void {
    posix.write(this.fd, ONE);
  }

  /** Whoever hears it does so first, and then looks what there is to do. */
  silence(): void {
    posix.drain(this.fd, COUNT);
  }

  close(): void {
    posix.close(this.fd);
  }
}

/** True when a connection waits at one of these listening sockets. Linux. */
export function someoneWaits(sockets: readonly number[]): boolean {
  const bytes = new Uint8Array(sockets.length * POLLFD);
  const view = new DataView(bytes.buffer);
  for (const [i, fd] of sockets.entries()) {
    view.setInt32(i * POLLFD, fd, true);
    view.setInt16(i * POLLFD + 4, POLLIN, true);
  }
  return calls().poll(bytes, BigInt(sockets.length), 0) > 0;
}
