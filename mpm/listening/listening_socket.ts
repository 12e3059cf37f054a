// How does one socket come to listen? Made, given httpd's options, bound, and put to listening by the C library.

import * as posix from "../../platform/posix.ts";
import * as sockets from "../../platform/sockets.ts";
import { SocketOption } from "../../platform/sockets.ts";
import { BindError, cannotBind } from "./bind_error.ts";
import { SLICE_MS } from "../thread/thread_loops.ts";
import { addressText, ANY6 } from "./listen_addresses.ts";
import type { MpmSettings, TcpAddress, UnixAddress } from "../types.ts";

/** httpd's default for ListenBacklog. */
const DEFAULT_BACKLOG = 511;
/** A connection without data is held back by the kernel this long (AcceptFilter data), in seconds. */
const DEFER_SECONDS = 30;
/** AcceptFilter, where the configuration is silent. */
const DEFAULT_FILTERS: Readonly<Record<string, boolean>> = { http: true, https: true };

/** ListenBacklog. */
export function backlogOf({ listenBacklog }: MpmSettings): number {
  return listenBacklog ?? DEFAULT_BACKLOG;
}

/**
 * A socket bound to a numeric address; it does not listen yet. `shared`: others on the same address get their share of the
 * connections. @throws BindError
 */
export function bindTcp(address: TcpAddress, shared: boolean): number {
  const text = addressText(address);
  let name: sockets.SocketName;
  try {
    name = sockets.inetName(address.host, address.port);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BindError(`AH00077: alloc_listener: failed to set up sockaddr for ${text}: ${error.message}`);
  }
  const fd = make(name, text);
  try {
    option(fd, SocketOption.ReuseAddress, 1, "AH00067", text);
    option(fd, SocketOption.KeepAlive, 1, "AH00068", text);
    if (address.host === ANY6) option(fd, SocketOption.V6Only, 0, "AH00069", text);
    if (shared) option(fd, SocketOption.ReusePort, 1, "AH02638", text);
    sockets.setOption(fd, SocketOption.NoDelay, 1);
    bind(fd, name, text);
    return fd;
  } catch (error) {
    posix.close(fd);
    throw error;
  }
}

/**
 * A socket bound to a path, with the permissions that are wanted from the first moment on. What a server left that is gone is
 * removed; what somebody answers at is not. @throws BindError
 */
export function bindUnix({ path, mode }: UnixAddress): number {
  const text = `unix:${path}`;
  let name: sockets.SocketName;
  try {
    name = sockets.unixName(path);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw cannotBind(error.message, text);
  }
  removeStale(path, name, text);
  const fd = make(name, text);
  const before = Deno.umask(0o777 & ~mode);
  try {
    bind(fd, name, text);
    return fd;
  } catch (error) {
    posix.close(fd);
    throw error;
  } finally {
    Deno.umask(before);
  }
}

function make(name: sockets.SocketName, text: string): number {
  try {
    const fd = sockets.createSocket(name);
    posix.setCloseOnExec(fd, true);
    posix.setNonBlocking(fd, true);
    return fd;
  } catch (error) {
    throw failure(error, "AH00078: alloc_listener: failed to get a socket for", text);
  }
}

function option(fd: number, which: sockets.SocketOptionName, to: number, ah: string, text: string): void {
  try {
    sockets.setOption(fd, which, to);
  } catch (error) {
    throw failure(error, `${ah}: make_sock: setsockopt (${which.text}) for address`, text);
  }
}

function bind(fd: number, name: sockets.SocketName, text: string): void {
  try {
    sockets.bindSocket(fd, name);
  } catch (error) {
    if (!(error instanceof posix.SystemError)) throw error;
    throw cannotBind(reason(error), text);
  }
}

function failure(error: unknown, what: string, text: string): unknown {
  if (!(error instanceof posix.SystemError)) return error;
  return new BindError(`${reason(error)}: ${what} ${text}`, sockets.isUnsupported(error));
}

function reason({ errno }: posix.SystemError): string {
  return `(${errno})${posix.errnoText(errno)}`;
}

/** A socket file outlives its server. @throws BindError when it is not one, or somebody answers there */
function removeStale(path: string, name: sockets.SocketName, text: string): void {
  let found: Deno.FileInfo;
  try {
    found = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw cannotBind((error as Error).message, text);
  }
  if (!found.isSocket) throw cannotBind("there is a file that is no socket", text);
  if (sockets.isAnswered(name)) throw cannotBind(reason(sockets.addressInUse("bind")), text);
  Deno.removeSync(path);
}

/** What the connections of a socket are like. */
export interface SocketRules {
  readonly settings: MpmSettings;
  readonly protocol: string;
  readonly unix: boolean;
  /** Threads wait in recv() for connections that are their own: in slices. */
  readonly patient: boolean;
  /** What the system does not do for us is no reason not to serve. */
  warn(ah: string, message: string): void;
}

/** Makes a bound socket listen as the settings say; what listens already from now on listens so. @throws BindError */
export function putToListening(fd: number, address: string, rules: SocketRules): void {
  const { settings, protocol, unix, patient } = rules;
  const wish = (ah: string, which: sockets.SocketOptionName, to: number) => {
    try {
      sockets.setOption(fd, which, to);
    } catch (error) {
      if (!(error instanceof posix.SystemError)) throw error;
      rules.warn(ah, `${reason(error)}: ${which.text} for ${address} could not be set to ${to}`);
    }
  };
  const { sendBufferSize = 0, receiveBufferSize = 0, acceptFilters } = settings;
  if (sendBufferSize > 0) wish("AH00070", SocketOption.SendBuffer, sendBufferSize);
  if (receiveBufferSize > 0) wish("AH00071", SocketOption.ReceiveBuffer, receiveBufferSize);
  if (!unix && sockets.canDeferAccept) {
    const defer = acceptFilters?.[protocol] ?? DEFAULT_FILTERS[protocol] ?? false;
    wish("AH00076", SocketOption.DeferAccept, defer ? DEFER_SECONDS : 0);
  }
  if (patient) posix.setPatience(fd, SLICE_MS);
  try {
    sockets.listen(fd, backlogOf(settings));
  } catch (error) {
    throw failure(error, "AH00073: make_sock: unable to listen for connections on address", address);
  }
}
