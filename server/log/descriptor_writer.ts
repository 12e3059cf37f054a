// How are bytes written to a log's descriptor?

import { Errno, SystemError, write } from "../../platform/posix.ts";

/** Writes some of the first `length` bytes, as write(2) does, and returns how many; 0: it takes none now. @throws SystemError */
export function descriptorWriter(fd: number): (bytes: Uint8Array<ArrayBuffer>, length: number) => number {
  return (bytes, length) => {
    for (;;) {
      const n = write(fd, bytes, length);
      if (n >= 0) return n;
      if (n === -Errno.EAGAIN) return 0;
      if (n !== -Errno.EINTR) throw new SystemError("write", -n);
    }
  };
}
