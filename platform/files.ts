// How is a file read whose content goes to clients? By its bare descriptor where the C library is there (the kernel sends it
// without us seeing the bytes), else through Deno.

import * as posix from "./posix.ts";

/** Why a file cannot be opened. */
export type OpenFailure = "denied" | "missing" | "resources";

/** An open file. Its owner closes it. */
export interface ReadableFile {
  /** The descriptor, for sendfile; -1 where there is none. */
  readonly fd: number;
  /** Reads up to `length` bytes at `offset` into `bytes`. Returns the count, 0 at the end, negative when it failed. */
  readAt(bytes: Uint8Array<ArrayBuffer>, length: number, offset: number): number;
  /** The first `length` bytes, fewer when there are no more; undefined: they are not in memory, so that a read would wait. */
  readNow(length: number): Uint8Array<ArrayBuffer> | undefined;
  close(): void;
}

/** Opens `path` for reading, or says why not. */
export function openReadable(path: string): ReadableFile | OpenFailure {
  return posix.isOpen() ? openDescriptor(path) : openFile(path);
}

function openDescriptor(path: string): ReadableFile | OpenFailure {
  const fd = posix.openForReading(path);
  if (fd >= 0) return new DescriptorFile(fd);
  if (fd === -posix.Errno.EACCES || fd === -posix.Errno.EPERM) return "denied";
  const scarce = [posix.Errno.EMFILE, posix.Errno.ENFILE, posix.Errno.ENOMEM];
  return scarce.some((errno) => fd === -errno) ? "resources" : "missing";
}

class DescriptorFile implements ReadableFile {
  constructor(public fd: number) {}

  readAt(bytes: Uint8Array<ArrayBuffer>, length: number, offset: number): number {
    let n;
    do n = posix.readAt(this.fd, bytes, length, offset); while (n === -posix.Errno.EINTR);
    return n;
  }

  readNow(length: number): Uint8Array<ArrayBuffer> | undefined {
    const reader = posix.threadFileReader();
    const whole = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const n = reader.read(this.fd, length - at, at);
      if (n === -posix.Errno.EAGAIN) return undefined;
      if (n <= 0) return whole.subarray(0, at);
      whole.set(reader.buffer.subarray(0, n), at);
      at += n;
    }
    return whole;
  }

  close(): void {
    posix.close(this.fd);
    this.fd = -1;
  }
}

function openFile(path: string): ReadableFile | OpenFailure {
  try {
    return new DenoFile(Deno.openSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return "denied";
    return error instanceof Deno.errors.NotFound ? "missing" : "resources";
  }
}

class DenoFile implements ReadableFile {
  readonly fd = -1;
  constructor(readonly file: Deno.FsFile) {}

  readAt(bytes: Uint8Array<ArrayBuffer>, length: number, offset: number): number {
    try {
      this.file.seekSync(offset, Deno.SeekMode.Start);
      return this.file.readSync(bytes.subarray(0, length)) ?? 0;
    } catch {
      // The caller sees a file that cannot be read, as it does where the C library says so.
      return -1;
    }
  }

  readNow(length: number): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const n = this.readAt(whole.subarray(at), length - at, at);
      if (n <= 0) break;
      at += n;
    }
    return whole.subarray(0, at);
  }

  close(): void {
    this.file.close();
  }
}
