// How does this server make sockets? The C library's part of a Listen line, and of a connection to another server: addresses in the
// kernel's form, and the options that the connections of a socket inherit.

import { errno, openLibc, setCloseOnExec, setNoDelay, setNonBlocking, SystemError } from "./posix.ts";

/** Constants that differ between the systems. Linux: asm-generic; darwin: sys/socket.h, sys/errno.h. */
const CONSTANTS = {
  linux: {
    library: "libc.so.6",
    SOL_SOCKET: 1,
    SO_REUSEADDR: 2,
    SO_SNDBUF: 7,
    SO_RCVBUF: 8,
    SO_KEEPALIVE: 9,
    SO_REUSEPORT: 15,
    SO_ACCEPTCONN: 30,
    IPV6_V6ONLY: 26,
    AF_INET6: 10,
    EADDRINUSE: 98,
    EAFNOSUPPORT: 97,
    ECONNREFUSED: 111,
    EINPROGRESS: 115,
    SO_ERROR: 4,
    unixPathLimit: 107,
  },
  darwin: {
    library: "libSystem.dylib",
    SOL_SOCKET: 0xffff,
    SO_REUSEADDR: 4,
    SO_SNDBUF: 0x1001,
    SO_RCVBUF: 0x1002,
    SO_KEEPALIVE: 8,
    SO_REUSEPORT: 0x200,
    SO_ACCEPTCONN: 2,
    IPV6_V6ONLY: 27,
    AF_INET6: 30,
    EADDRINUSE: 48,
    EAFNOSUPPORT: 47,
    ECONNREFUSED: 61,
    EINPROGRESS: 36,
    SO_ERROR: 0x1007,
    unixPathLimit: 103,
  },
} as const;

const os = Deno.build.os === "darwin" ? "darwin" : "linux";
const C = CONSTANTS[os];

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const TCP_NODELAY = 1;
/** Linux. */
const TCP_DEFER_ACCEPT = 9;

const SYMBOLS = {
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
} as const;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let symbols: Symbols | undefined;

function libc(): Symbols {
  if (symbols === undefined) {
    openLibc();
    symbols = Deno.dlopen(C.library, SYMBOLS).symbols;
  }
  return symbols;
}

/** Loads what is needed here, for a thread that will not be permitted to do so later. @throws what Deno.dlopen throws */
export function loadSockets(): void {
  libc();
}

/** An address in the kernel's form (struct sockaddr), with its family. */
export interface SocketName {
  readonly family: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Options of a socket; what can be inherited is inherited by its connections (Linux). */
export const SocketOption = {
  ReuseAddress: { level: C.SOL_SOCKET, option: C.SO_REUSEADDR, text: "SO_REUSEADDR" },
  /** Several sockets on one address, among which the kernel spreads connections. */
  ReusePort: { level: C.SOL_SOCKET, option: C.SO_REUSEPORT, text: "SO_REUSEPORT" },
  KeepAlive: { level: C.SOL_SOCKET, option: C.SO_KEEPALIVE, text: "SO_KEEPALIVE" },
  SendBuffer: { level: C.SOL_SOCKET, option: C.SO_SNDBUF, text: "SO_SNDBUF" },
  ReceiveBuffer: { level: C.SOL_SOCKET, option: C.SO_RCVBUF, text: "SO_RCVBUF" },
  /** 0: an IPv6 wildcard takes IPv4 connections too. */
  V6Only: { level: IPPROTO_IPV6, option: C.IPV6_V6ONLY, text: "IPV6_V6ONLY" },
  NoDelay: { level: IPPROTO_TCP, option: TCP_NODELAY, text: "TCP_NODELAY" },
  /** Seconds for which the kernel keeps back a connection without data. Linux. */
  DeferAccept: { level: IPPROTO_TCP, option: TCP_DEFER_ACCEPT, text: "TCP_DEFER_ACCEPT" },
} as const;

/** One of SocketOption. */
export type SocketOptionName = (typeof SocketOption)[keyof typeof SocketOption];

/** True where the kernel can keep a connection back until it has data (TCP_DEFER_ACCEPT). */
export const canDeferAccept: boolean = os === "linux";
/** True where SO_REUSEPORT spreads connections evenly. */
export const spreadsConnections: boolean = os === "linux";

/** Fills in a struct sockaddr up to the address. */
function socketName(family: number, length: number): { name: SocketName; view: DataView } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  if (os === "darwin") {
    bytes[0] = length;
    bytes[1] = family;
  } else view.setUint16(0, family, true);
  return { name: { family, bytes }, view };
}

/**
 * A numeric address, IPv4 or IPv6 (with `%` and a zone, by name or number), in the kernel's form.
 * @throws RangeError when it is neither, or there is no such zone
 */
export function inetName(address: string, port: number): SocketName {
  const six = address.includes(":");
  const [plain, zone] = address.split("%", 2);
  const { name, view } = six ? socketName(C.AF_INET6, 28) : socketName(AF_INET, 16);
  view.setUint16(2, port);
  if (libc().inet_pton(name.family, cString(plain), name.bytes.subarray(six ? 8 : 4)) !== 1) {
    throw new RangeError(`${address} is no IP address`);
  }
  if (zone !== undefined) view.setUint32(24, zoneNumber(zone), true);
  return name;
}

function zoneNumber(zone: string): number {
  const index = /^\d{1,9}$/.test(zone) ? Number(zone) : libc().if_nametoindex(cString(zone));
  if (index === 0) throw new RangeError(`there is no network interface ${zone}`);
  return index;
}

/** The path of a Unix-domain socket in the kernel's form. @throws RangeError when it is too long (107 bytes, 103 on macOS) */
export function unixName(path: string): SocketName {
  const text = new TextEncoder().encode(path);
  if (text.length > C.unixPathLimit) {
    throw new RangeError(
      `the path of a socket has ${C.unixPathLimit} bytes at most, ${path} has ${text.length}`,
    );
  }
  const { name } = socketName(AF_UNIX, 2 + text.length + 1);
  name.bytes.set(text, 2);
  return name;
}

/** A stream socket for addresses like `name`. @throws SystemError */
export function createSocket({ family }: SocketName): number {
  const fd = libc().socket(family, SOCK_STREAM, 0);
  if (fd < 0) throw new SystemError("socket", errno());
  return fd;
}

/** Gives a socket its address. @throws SystemError */
export function bindSocket(fd: number, { bytes }: SocketName): void {
  if (libc().bind(fd, bytes, bytes.length) < 0) throw new SystemError("bind", errno());
}

/** Makes a socket listen, or changes the length of its accept queue (ListenBacklog). @throws SystemError */
export function listen(fd: number, backlog: number): void {
  if (libc().listen(fd, backlog) < 0) throw new SystemError("listen", errno());
}

const value = new Int32Array(1);
const valueBytes = new Uint8Array(value.buffer);
const length = new Int32Array(1);
const lengthBytes = new Uint8Array(length.buffer);

/** Sets an option to a number. @throws SystemError that names the option */
export function setOption(fd: number, { level, option, text }: SocketOptionName, to: number): void {
  value[0] = to;
  if (libc().setsockopt(fd, level, option, valueBytes, 4) < 0) throw new SystemError(text, errno());
}

/** The number that an option is set to; undefined when `fd` has no such option. */
export function getOption(
  fd: number,
  { level, option }: { readonly level: number; readonly option: number },
): number | undefined {
  length[0] = 4;
  return libc().getsockopt(fd, level, option, valueBytes, lengthBytes) < 0 ? undefined : value[0];
}

/** True when `fd` is a socket that listens. */
export function isListening(fd: number): boolean {
  const on = getOption(fd, { level: C.SOL_SOCKET, option: C.SO_ACCEPTCONN });
  return on !== undefined && on !== 0;
}

/** The port that an internet socket is bound to. @throws SystemError */
export function boundPort(fd: number): number {
  const bytes = new Uint8Array(128);
  length[0] = bytes.length;
  if (libc().getsockname(fd, bytes, lengthBytes) < 0) throw new SystemError("getsockname", errno());
  return new DataView(bytes.buffer).getUint16(2);
}

/** The path that a Unix-domain socket is bound to; undefined for every other. */
export function unixPath(fd: number): string | undefined {
  const bytes = new Uint8Array(128);
  length[0] = bytes.length;
  if (libc().getsockname(fd, bytes, lengthBytes) < 0) throw new SystemError("getsockname", errno());
  if (bytes[os === "darwin" ? 1 : 0] !== AF_UNIX) return undefined;
  const end = bytes.indexOf(0, 2);
  return new TextDecoder().decode(bytes.subarray(2, end < 0 ? length[0] : end));
}

/** Whether anybody listens at a Unix-domain address. What answers with anything but a refusal counts. @throws SystemError */
export function isAnswered(name: SocketName): boolean {
  const fd = createSocket(name);
  // With a full queue connect() would wait.
  setNonBlocking(fd, true);
  const refused = libc().connect(fd, name.bytes, name.bytes.length) < 0 && errno() === C.ECONNREFUSED;
  libc().close(fd);
  return !refused;
}

/**
 * Begins to connect a new socket, non-blocking and close-on-exec, to `to`, from the address `from` if one is given. It becomes writable
 * when it is connected, or has failed: connectError() tells. Returns the descriptor, or -errno.
 */
export function startConnect(to: SocketName, from?: SocketName): number {
  const { connect, close, bind } = libc();
  const fd = libc().socket(to.family, SOCK_STREAM, 0);
  if (fd < 0) return -errno();
  setCloseOnExec(fd, true);
  setNonBlocking(fd, true);
  if (to.family !== AF_UNIX) setNoDelay(fd);
  const bound = from === undefined || bind(fd, from.bytes, from.bytes.length) === 0;
  if (bound && connect(fd, to.bytes, to.bytes.length) === 0) return fd;
  const code = errno();
  if (bound && code === C.EINPROGRESS) return fd;
  close(fd);
  return -code;
}

/** The errno that a socket has met while it connected; 0: it is connected, or still at it. */
export function connectError(fd: number): number {
  return getOption(fd, { level: C.SOL_SOCKET, option: C.SO_ERROR }) ?? 0;
}

/** The error of an address that somebody has already. */
export function addressInUse(call: string): SystemError {
  return new SystemError(call, C.EADDRINUSE);
}

/** True when the system has no sockets of the kind that was asked for (no IPv6). */
export function isUnsupported(error: SystemError): boolean {
  return error.errno === C.EAFNOSUPPORT;
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}
