// How does this server call the C library? The place (with poller.ts and sockets.ts) that knows libc's symbols, constants and errno.
//
// Every function works on bare descriptor numbers. Results of ssize_t are declared i32: no call here asks for 2 GiB, and a
// number costs nothing where a bigint is an allocation per call. The same goes for size_t arguments: a u32 is zero-extended.

import type { SocketAddress } from "./addresses.ts";
import { openPathStat, type PathStat } from "./path_stat.ts";
import { type FileReader, openFileReader } from "./file_reader.ts";
import { loadVariadicCalls, type VariadicCalls } from "./variadic.ts";

/** Constants that differ between the systems. Linux: asm-generic (x86_64, aarch64); darwin: sys/socket.h, sys/fcntl.h. */
const CONSTANTS = {
  linux: {
    library: "libc.so.6",
    SOL_SOCKET: 1,
    SO_RCVTIMEO: 20,
    SO_RCVLOWAT: 18,
    SO_SNDTIMEO: 21,
    MSG_DONTWAIT: 0x40,
    MSG_NOSIGNAL: 0x4000,
    MSG_MORE: 0x8000,
    O_NONBLOCK: 0o4000,
    O_CLOEXEC: 0o2000000,
    O_APPEND: 0o2000,
    O_CREAT: 0o100,
    F_DUPFD_CLOEXEC: 1030,
    AF_INET6: 10,
    EAGAIN: 11,
    familyOffset: 0,
  },
  darwin: {
    library: "libSystem.dylib",
    SOL_SOCKET: 0xffff,
    SO_RCVTIMEO: 0x1006,
    SO_RCVLOWAT: 0x1004,
    SO_SNDTIMEO: 0x1005,
    MSG_DONTWAIT: 0x80,
    MSG_NOSIGNAL: 0x80000,
    MSG_MORE: 0,
    O_NONBLOCK: 0x4,
    O_CLOEXEC: 0x1000000,
    O_APPEND: 0x8,
    O_CREAT: 0x200,
    F_DUPFD_CLOEXEC: 67,
    AF_INET6: 30,
    EAGAIN: 35,
    familyOffset: 1,
  },
} as const;

const os = Deno.build.os === "darwin" ? "darwin" : "linux";
const C = CONSTANTS[os];

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD = 0;
const FD_CLOEXEC = 1;
const F_GETFD = 1;
const F_SETPIPE_SZ = 1031;
const AF_INET = 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SHUT_WR = 1;
const SHUT_RDWR = 2;
const O_WRONLY = 1;
const O_RDWR = 2;
const RLIMIT_NOFILE = os === "darwin" ? 8 : 7;

const COMMON = {
  accept: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  pipe: { parameters: ["buffer"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "u32", "i64"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
} as const;

const LINUX = {
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  sendfile: { parameters: ["i32", "i32", "buffer", "u32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

const DARWIN = { __error: { parameters: [], result: "pointer" } } as const;

/** The C library, for files of this folder that need calls of their own. */
export const libraryName: string = C.library;

type Libc = Deno.DynamicLibrary<typeof COMMON>["symbols"];
type LinuxLibc = Deno.DynamicLibrary<typeof LINUX>["symbols"];

let common: Libc;
let variadic: VariadicCalls;
let linux: LinuxLibc | undefined;
let errnoCell: Int32Array;
let fileReader: FileReader;
let pathStat: ((path: string) => PathStat | number) | undefined;
let opened = false;

/** A failed system call: its name, errno and the system's text for it. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  constructor(readonly call: string, readonly errno: number) {
    super(`(${errno})${errnoText(errno)}: ${call}`);
  }
}

/**
 * Loads the C library for this thread. Every thread calls it once before anything else here.
 * @throws what Deno.dlopen throws: NotCapable without FFI permission, Error where the library does not load.
 */
export function openLibc(): void {
  if (opened) return;
  common = Deno.dlopen(C.library, COMMON).symbols;
  variadic = loadVariadicCalls(C.library);
  let cell: Deno.PointerValue;
  if (os === "linux") {
    const symbols = Deno.dlopen(C.library, LINUX).symbols;
    linux = symbols;
    cell = symbols.__errno_location();
  } else {
    cell = Deno.dlopen(C.library, DARWIN).symbols.__error();
  }
  if (cell === null) throw new Error("the C library gives no errno location");
  errnoCell = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(cell, 4));
  fileReader = openFileReader(C.library, errnoCell);
  if (os === "linux") pathStat = openPathStat(C.library, errnoCell);
  opened = true;
}

/** What is at a path, links followed, or -errno; undefined where there is no fast way to ask. */
export function statPath(path: string): PathStat | number | undefined {
  return pathStat?.(path);
}

/** True once openLibc() has succeeded in this thread. */
export function isOpen(): boolean {
  return opened;
}

/** errno of this thread's last failed plain call; to be read before any other call. */
export function errno(): number {
  return errnoCell[0];
}

const errnoTexts = new Map<number, string>();

/** The system's text for an errno. */
export function errnoText(code: number): string {
  const known = errnoTexts.get(code);
  if (known !== undefined) return known;
  const pointer = opened ? common.strerror(code) : null;
  const text = pointer === null ? "error" : new Deno.UnsafePointerView(pointer).getCString();
  errnoTexts.set(code, text);
  return text;
}

/** The highest errno there is (Linux: EHWPOISON). */
const MAX_ERRNO = 133;

/**
 * Takes the permission for FFI away from this thread, for good. What is loaded goes on to work, memory at an address can no longer
 * be had. To be called before code of others is loaded.
 */
export function giveUpFfi(): void {
  for (let code = 0; opened && code <= MAX_ERRNO; code++) errnoText(code);
  Deno.permissions.revokeSync({ name: "ffi" });
}

/** Error numbers that callers tell apart. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ENOTDIR: 20,
  EINTR: 4,
  EACCES: 13,
  EAGAIN: C.EAGAIN,
  ENOMEM: 12,
  ENFILE: 23,
  EMFILE: 24,
  EPIPE: 32,
  EPROTO: os === "darwin" ? 100 : 71,
  ENETDOWN: os === "darwin" ? 50 : 100,
  ENETUNREACH: os === "darwin" ? 51 : 101,
  ECONNABORTED: os === "darwin" ? 53 : 103,
  ECONNRESET: os === "darwin" ? 54 : 104,
  ENOBUFS: os === "darwin" ? 55 : 105,
  ETIMEDOUT: os === "darwin" ? 60 : 110,
  EHOSTUNREACH: os === "darwin" ? 65 : 113,
} as const;

/** What accept() may report that concerns only the connection that would have come. */
export const PASSING_ACCEPT_ERRORS: ReadonlySet<number> = new Set([
  Errno.EINTR,
  Errno.EPROTO,
  Errno.ECONNABORTED,
  Errno.ECONNRESET,
  Errno.ETIMEDOUT,
  Errno.EHOSTUNREACH,
  Errno.ENETUNREACH,
]);

const sockaddr = new Uint8Array(128);
const sockaddrLength = new Uint8Array(4);
const sockaddrLengthView = new DataView(sockaddrLength.buffer);
const optionValue = new Uint8Array(16);
const optionView = new DataView(optionValue.buffer);

/** What the last `acceptConnection`, `peerAddress` or `localAddress` found; reused by each of them. */
export const lastAddress: SocketAddress = { family: 0, port: 0, bytes: new Uint8Array(16) };

function readSockaddr(): void {
  const family = sockaddr[C.familyOffset];
  lastAddress.port = sockaddr[2] << 8 | sockaddr[3];
  if (family === AF_INET) {
    lastAddress.family = 4;
    for (let i = 0; i < 4; i++) lastAddress.bytes[i] = sockaddr[4 + i];
  } else if (family === C.AF_INET6) {
    lastAddress.family = 6;
    for (let i = 0; i < 16; i++) lastAddress.bytes[i] = sockaddr[8 + i];
  } else {
    lastAddress.family = 0;
    lastAddress.port = 0;
  }
}

/**
 * Accepts one connection, close-on-exec and non-blocking unless `blocking`; its peer is in `lastAddress`. Returns -errno when
 * there is none.
 */
export function acceptConnection(listener: number, blocking = false): number {
  sockaddrLengthView.setUint32(0, sockaddr.length, true);
  let fd: number;
  if (linux) {
    fd = linux.accept4(
      listener,
      sockaddr,
      sockaddrLength,
      blocking ? C.O_CLOEXEC : C.O_NONBLOCK | C.O_CLOEXEC,
    );
    if (fd < 0) return -errnoCell[0];
  } else {
    fd = common.accept(listener, sockaddr, sockaddrLength);
    if (fd < 0) return -errnoCell[0];
    setNonBlocking(fd, !blocking);
    setCloseOnExec(fd, true);
  }
  readSockaddr();
  return fd;
}

/** True where an accepted socket has the timeouts of the socket it came from (Linux). */
export const acceptInherits: boolean = os === "linux";

/** Puts the address of a socket's peer into `lastAddress`. Returns false when it has none any more. */
export function peerAddress(fd: number): boolean {
  sockaddrLengthView.setUint32(0, sockaddr.length, true);
  if (common.getpeername(fd, sockaddr, sockaddrLength) < 0) return false;
  readSockaddr();
  return true;
}

/** Puts the local address of a socket into `lastAddress`. @throws SystemError */
export function localAddress(fd: number): SocketAddress {
  sockaddrLengthView.setUint32(0, sockaddr.length, true);
  if (common.getsockname(fd, sockaddr, sockaddrLength) < 0) throw new SystemError("getsockname", errno());
  readSockaddr();
  return lastAddress;
}

/** Reads at most `bytes.length` bytes into `bytes`. Returns the count, 0 at the end, or -errno. */
export function receive(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  const n = common.recv(fd, bytes, bytes.length, 0);
  return n < 0 ? -errnoCell[0] : n;
}

const MSG_PEEK = 2;
const peeked = new Uint8Array(1);

/** True when there is input to be read; the end of it is none. */
export function hasInput(fd: number): boolean {
  return common.recv(fd, peeked, 1, MSG_PEEK | C.MSG_DONTWAIT) > 0;
}

/** True when nothing has arrived, not the end either, and nothing has broken. */
export function isQuiet(fd: number): boolean {
  return common.recv(fd, peeked, 1, MSG_PEEK | C.MSG_DONTWAIT) < 0 && errnoCell[0] === C.EAGAIN;
}

/** Like receive(), and what is read stays there to be read again. */
export function peek(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  const n = common.recv(fd, bytes, bytes.length, MSG_PEEK);
  return n < 0 ? -errnoCell[0] : n;
}

/** Input is reported, and waited for, from so many bytes on (SO_RCVLOWAT). */
export function setLowWater(fd: number, bytes: number): void {
  setOption(fd, C.SOL_SOCKET, C.SO_RCVLOWAT, bytes);
}

const SEND_FLAGS = C.MSG_NOSIGNAL | C.MSG_DONTWAIT;

/** Sends the first `length` of `bytes`; waits on no descriptor, blocking or not. Returns the count sent (perhaps fewer), or -errno. */
export function send(fd: number, bytes: Uint8Array<ArrayBuffer>, length: number, more = false): number {
  const n = common.send(fd, bytes, length, more ? SEND_FLAGS | C.MSG_MORE : SEND_FLAGS);
  return n < 0 ? -errnoCell[0] : n;
}

const fileOffset = new BigInt64Array(1);
const fileOffsetBytes = new Uint8Array(fileOffset.buffer);

/** True where `sendFile` exists (Linux). Elsewhere callers read and send. */
export const hasSendFile: boolean = os === "linux";

/** Sends up to `length` bytes of `file` from `offset` to a socket, inside the kernel. Returns the count, or -errno. Linux. */
export function sendFile(socket: number, file: number, offset: number, length: number): number {
  fileOffset[0] = BigInt(offset);
  const n = linux!.sendfile(socket, file, fileOffsetBytes, Math.min(length, 0x7ffff000));
  return n < 0 ? -errnoCell[0] : n;
}

/** How this thread reads what it sends. */
export function threadFileReader(): FileReader {
  return fileReader;
}

/** Reads up to `length` bytes of `file` at `offset` into `bytes`. Returns the count, 0 at the end, or -errno. */
export function readAt(file: number, bytes: Uint8Array<ArrayBuffer>, length: number, offset: number): number {
  const n = common.pread(file, bytes, length, BigInt(offset));
  return n < 0 ? -errnoCell[0] : n;
}

/** Opens a file for reading, close-on-exec. Returns the descriptor or -errno. */
export function openForReading(path: string): number {
  const fd = variadic.open(cString(path), C.O_CLOEXEC, 0);
  return fd < 0 ? -errnoCell[0] : fd;
}

/** Opens an existing file for reading and writing, close-on-exec. @throws SystemError */
export function openReadWrite(path: string): number {
  const fd = variadic.open(cString(path), O_RDWR | C.O_CLOEXEC, 0);
  if (fd < 0) throw new SystemError(`open ${path}`, errno());
  return fd;
}

/** Opens (and creates, mode 0644) a file to append to, close-on-exec. @throws SystemError */
export function openForAppend(path: string): number {
  const fd = variadic.open(cString(path), O_WRONLY | C.O_APPEND | C.O_CREAT | C.O_CLOEXEC, 0o644);
  if (fd < 0) throw new SystemError(`open ${path}`, errno());
  return fd;
}

/** Writes the first `length` of `bytes` to any descriptor. Returns the count (perhaps fewer), or -errno. */
export function write(fd: number, bytes: Uint8Array<ArrayBuffer>, length: number = bytes.length): number {
  const n = common.write(fd, bytes, length);
  return n < 0 ? -errnoCell[0] : n;
}

/** Reads what is there, at most `bytes.length`, from a pipe. Returns the count, 0 at the end, or -errno. */
export function read(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  const n = common.read(fd, bytes, bytes.length);
  return n < 0 ? -errnoCell[0] : n;
}

/** A pipe by which one thread wakes another that waits: non-blocking at both ends, close-on-exec. @throws SystemError */
export function createWakePipe(): { readonly read: number; readonly write: number } {
  const pair = new Int32Array(2);
  if (common.pipe(new Uint8Array(pair.buffer)) < 0) throw new SystemError("pipe", errno());
  for (const fd of pair) {
    setNonBlocking(fd, true);
    setCloseOnExec(fd, true);
  }
  return { read: pair[0], write: pair[1] };
}

/**
 * A pipe that others write to and a program reads: writing never waits, reading does; close-on-exec. It holds `capacity` bytes
 * where the system lets us choose (Linux), else what it always does. @throws SystemError
 */
export function createPipe(capacity: number): { readonly read: number; readonly write: number } {
  const pipe = createWakePipe();
  setNonBlocking(pipe.read, false);
  // The system may allow less (fs.pipe-max-size): then it stays as it is.
  if (os === "linux") variadic.fcntl(pipe.write, F_SETPIPE_SZ, capacity);
  return pipe;
}

/** Reads away what a wake pipe holds. */
export function drain(pipe: number, buffer: Uint8Array<ArrayBuffer>): void {
  while (common.read(pipe, buffer, buffer.length) === buffer.length);
}

/** Closes a descriptor. Its number has exactly one owner; only that owner calls this. */
export function close(fd: number): void {
  common.close(fd);
}

/** Ends the sending side: the peer reads to the end and sees FIN. */
export function shutdownWrite(fd: number): void {
  common.shutdown(fd, SHUT_WR);
}

/** Ends both directions at once; the number stays taken until it is closed. */
export function shutdownBoth(fd: number): void {
  common.shutdown(fd, SHUT_RDWR);
}

/** Makes `target` name the same open file as `source` (dup2). @throws SystemError */
export function redirect(source: number, target: number): void {
  if (common.dup2(source, target) < 0) throw new SystemError("dup2", errno());
}

/** A second descriptor for the same open file, which children inherit when `inheritable`. @throws SystemError */
export function duplicate(fd: number, inheritable: boolean): number {
  const copy = variadic.fcntl(fd, inheritable ? F_DUPFD : C.F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw new SystemError("fcntl(F_DUPFD)", errno());
  return copy;
}

/** Sets or clears FD_CLOEXEC. @throws SystemError */
export function setCloseOnExec(fd: number, on: boolean): void {
  if (variadic.fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0) throw new SystemError("fcntl(F_SETFD)", errno());
}

/** Makes all descriptors of this process but the standard ones close-on-exec. Returns those that were not. */
export function closeAllOnExec(): number[] {
  // The list has a descriptor of its own, which is gone by the time it is tried.
  const open = [...Deno.readDirSync("/dev/fd")].map(({ name }) => Number(name)).filter((fd) => fd > 2);
  const inheritable = open.filter((fd) => variadic.fcntl(fd, F_GETFD, 0) === 0);
  for (const fd of inheritable) variadic.fcntl(fd, F_SETFD, FD_CLOEXEC);
  return inheritable;
}

/** Sets or clears O_NONBLOCK. @throws SystemError */
export function setNonBlocking(fd: number, on: boolean): void {
  const flags = variadic.fcntl(fd, F_GETFL, 0);
  const wanted = on ? flags | C.O_NONBLOCK : flags & ~C.O_NONBLOCK;
  if (flags < 0 || variadic.fcntl(fd, F_SETFL, wanted) < 0) throw new SystemError("fcntl(F_SETFL)", errno());
}

function setOption(fd: number, level: number, option: number, value: number): boolean {
  optionView.setInt32(0, value, true);
  return common.setsockopt(fd, level, option, optionValue, 4) === 0;
}

/** TCP_NODELAY on: a response is written whole, waiting for more would only add delay. */
export function setNoDelay(fd: number): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

function setTimeoutOption(fd: number, option: number, ms: number): void {
  optionView.setBigInt64(0, BigInt(Math.trunc(ms / 1000)), true);
  optionView.setBigInt64(8, BigInt(ms % 1000 * 1000), true);
  if (common.setsockopt(fd, C.SOL_SOCKET, option, optionValue, 16) < 0) {
    throw new SystemError("setsockopt(SO_RCVTIMEO)", errno());
  }
}

/**
 * Calls on this blocking socket that wait (recv, accept, sendfile) give up with EAGAIN after `ms`. Linux: what a listening
 * socket says holds for the connections that come from it. @throws SystemError
 */
export function setPatience(fd: number, ms: number): void {
  setTimeoutOption(fd, C.SO_RCVTIMEO, ms);
  setTimeoutOption(fd, C.SO_SNDTIMEO, ms);
}

/** The number of descriptors this process may have (soft RLIMIT_NOFILE). */
export function descriptorLimit(): number {
  if (common.getrlimit(RLIMIT_NOFILE, optionValue) !== 0) return 1024;
  const soft = optionView.getBigUint64(0, true);
  return soft > 0x7fffffffn ? 0x7fffffff : Number(soft);
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}
