// Which files are open, and is what we know of them still true? The open-file cache of one thread (OpenFileCache…, as nginx's
// open_file_cache): a file is looked at again when its entry is older than OpenFileCacheValid, small files keep their content.
//
// An entry is shared by all responses that send from it; its descriptor is closed when the last of them is done.

import * as posix from "../../platform/posix.ts";
import { type OpenFailure, openReadable, type ReadableFile } from "../../platform/files.ts";
import type { FileSource } from "../../mpm/mod.ts";
import type { FileInfo } from "../request/exchange.ts";

/** The OpenFileCache directives. */
export interface OpenFileCacheSettings {
  /** Entries kept per thread; 0: none, every request looks at the file itself. */
  readonly max: number;
  /** Milliseconds that an entry is believed without a look; 0: within the input that it was looked at for. */
  readonly valid: number;
  /** Files up to this many bytes are kept in memory. */
  readonly contentSize: number;
}

/** The file is there but cannot be read, or the system has no more descriptors. */
export class FileError extends Error {
  override readonly name = "FileError";
  constructor(readonly reason: OpenFailure, readonly path: string) {
    super(`${path}: ${reason}`);
  }
}

/** What stat() says of a path, or undefined if there is nothing. @throws FileError when it may not be known */
export function fileInfo(path: string): FileInfo | undefined {
  const found = posix.statPath(path);
  if (typeof found === "object") return found;
  // Those that mean no more than that; what is rare is left to the slow way, which knows what to make of it.
  if (found === -posix.Errno.ENOENT || found === -posix.Errno.ENOTDIR) return undefined;
  try {
    const { isFile, isDirectory, size, mtime, ino } = Deno.statSync(path);
    return { isFile, isDirectory, size, mtime: mtime?.getTime() ?? 0, inode: ino ?? 0 };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    const { PermissionDenied, NotCapable } = Deno.errors;
    if (error instanceof PermissionDenied || error instanceof NotCapable) throw new FileError("denied", path);
    if (error instanceof Deno.errors.FilesystemLoop || /name too long/i.test(String(error))) return undefined;
    throw error;
  }
}

/** An open file. */
export class OpenFile implements FileSource {
  readonly #file: ReadableFile;
  #users = 1;
  #content: Uint8Array<ArrayBuffer> | undefined;

  constructor(readonly path: string, readonly info: FileInfo, file: ReadableFile, public checkedAt: number) {
    this.#file = file;
  }

  get fd(): number {
    return this.#file.fd;
  }

  readAt(bytes: Uint8Array<ArrayBuffer>, length: number, offset: number): number {
    return this.#file.readAt(bytes, length, offset);
  }

  /** One more user; each use ends with release(). */
  use(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users === 0) this.#file.close();
  }

  /**
   * The whole content, read once; undefined: it is not in memory, and reading it would be a wait.
   * @throws FileError when the file is not as long as it was
   */
  content(): Uint8Array<ArrayBuffer> | undefined {
    const { size } = this.info;
    if (this.#content === undefined) {
      const bytes = this.#file.readNow(size);
      if (bytes !== undefined && bytes.length < size) throw new FileError("missing", this.path);
      this.#content = bytes;
    }
    return this.#content;
  }
}

/** The open files of a thread. */
export class OpenFileCache {
  readonly #files: Map<string, OpenFile> = new Map();

  constructor(public settings: OpenFileCacheSettings) {}

  /**
   * The file at `path`, whose state is `info` if the caller has looked just now. The caller owns one use of it.
   * @throws FileError when it cannot be opened
   */
  open(path: string, info: FileInfo, now: number): OpenFile {
    const known = this.#files.get(path);
    if (
      known !== undefined && known.info.mtime === info.mtime && known.info.size === info.size &&
      known.info.inode === info.inode
    ) {
      known.checkedAt = now;
      return known.use();
    }
    if (known !== undefined) this.#drop(path, known);
    const opened = openReadable(path);
    if (typeof opened === "string") throw new FileError(opened, path);
    const file = new OpenFile(path, info, opened, now);
    if (this.settings.max === 0) return file;
    if (this.#files.size >= this.settings.max) {
      const [oldest, entry] = this.#files.entries().next().value!;
      this.#drop(oldest, entry);
    }
    this.#files.set(path, file);
    return file.use();
  }

  /** What is known of `path`, if it was looked at recently enough to be believed. */
  recent(path: string, now: number): FileInfo | undefined {
    const known = this.#files.get(path);
    return known !== undefined && now - known.checkedAt <= this.settings.valid ? known.info : undefined;
  }

  #drop(path: string, file: OpenFile): void {
    this.#files.delete(path);
    file.release();
  }
}

/** The open files of this thread. */
export const openFiles: OpenFileCache = new OpenFileCache({ max: 1000, valid: 0, contentSize: 65536 });
