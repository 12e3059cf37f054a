// How is a datagram sent to a Unix socket (the system's log)? Neither Deno nor Node has a call for it: the C library's.

import { close, Errno, errno, libraryName, send, setCloseOnExec, SystemError } from "./posix.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** Where the path begins in a sockaddr_un, and how long the whole is. */
const PATH_AT = 2;
const ADDRESS_BYTES = Deno.build.os === "darwin" ? 106 : 110;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
} as const;

let library: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

/** Loads what this file needs of the C library, which is open already. @throws what Deno.dlopen throws */
export function loadUnixDatagram(): void {
  library ??= Deno.dlopen(libraryName, SYMBOLS).symbols;
}

/** A Unix datagram socket that is connected to a path. The C library has to be open (openLibc()). */
export class UnixDatagram {
  #fd: number;

  /** @throws SystemError: nobody is there; RangeError for a path that is too long */
  constructor(path: string) {
    const name = new TextEncoder().encode(path);
    if (name.length >= ADDRESS_BYTES - PATH_AT) throw new RangeError(`${path}: too long for a socket`);
    const address = new Uint8Array(ADDRESS_BYTES);
    if (Deno.build.os === "darwin") address.set([ADDRESS_BYTES, AF_UNIX]);
    else new DataView(address.buffer).setUint16(0, AF_UNIX, true);
    address.set(name, PATH_AT);
    loadUnixDatagram();
    this.#fd = library!.socket(AF_UNIX, SOCK_DGRAM, 0);
    if (this.#fd < 0) throw new SystemError("socket", errno());
    setCloseOnExec(this.#fd, true);
    if (library!.connect(this.#fd, address, PATH_AT + name.length + 1) < 0) {
      const code = errno();
      this.close();
      throw new SystemError(`connect ${path}`, code);
    }
  }

  /**
   * Sends one datagram, without waiting: false when the receiver's queue is full. @throws SystemError: the receiver is gone, or
   * the datagram is too long
   */
  send(bytes: Uint8Array<ArrayBuffer>): boolean {
    for (;;) {
      const n = send(this.#fd, bytes, bytes.length);
      if (n >= 0) return true;
      if (n === -Errno.EAGAIN || n === -Errno.ENOBUFS) return false;
      if (n !== -Errno.EINTR) throw new SystemError("send", -n);
    }
  }

  /** Closes the socket; more than once does nothing. */
  close(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
  }
}
