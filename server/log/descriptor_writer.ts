// How are bytes written to a log's descriptor?

import { Errno, SystemError, write } from "../../platform/posix.ts";

/** Writes some of the bytes, as write(2) does, and returns how many; 0: it takes none right now. @throws SystemError */
export function descriptorWriter(fd: number): (bytes: Uint8Array) => number {
  return (bytes) => {
    for (;;) {
      const n = write(fd, bytes as Uint8Array<ArrayBuffer>);
      if (n >= 0) return n;
      if (n === -Errno.EAGAIN) return 0;
      if (n !== -Errno.EINTR) throw new SystemError("write", -n);
    }
  };
}
