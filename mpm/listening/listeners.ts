// Which sockets does the server listen on? The control process makes them and keeps them, as descriptors that it leaves to its
// children, for as long as the configuration names them: a restart closes none that stays.

import * as posix from "../../platform/posix.ts";
import * as sockets from "../../platform/sockets.ts";
import { type Bound, rebind } from "./bind.ts";
import type { ConnectionModel, Remaining, ServingOrder } from "../shared/child_order.ts";
import { addressText, ANY4, ANY6, isUnix, urlText, withPort } from "./listen_addresses.ts";
import { backlogOf, bindTcp, bindUnix, putToListening } from "./listening_socket.ts";
import { type Inherited, takeInherited } from "./socket_activation.ts";
import type { Endpoint } from "../shared/transport.ts";
import type { ListenAddress, LogFunction, MpmSettings } from "../types.ts";

/** What a serving process is told of sockets. */
export type SocketOrder = Pick<ServingOrder, "sockets" | "relay">;

/** The addresses that a server listens on. */
export interface ServerSockets {
  /**
   * Makes them what the settings say, whose addresses are numeric (resolveListen). @throws BindError naming the address;
   * everything is then as before
   */
  configure(settings: MpmSettings): void;
  /** What is listened on, as a user writes it: `http://127.0.0.1:80/`, `unix:/run/site.sock`. */
  readonly addresses: readonly string[];
  /** For this process, which gets descriptors of its own. */
  order(): SocketOrder;
  /** For a child in a row of the scoreboard, which is started by leaveTo(). */
  orderFor(row: number): SocketOrder;
  /** Starts a child by `start`, which inherits its sockets. */
  leaveTo<T>(row: number, start: () => T): T;
  /** What goes on when somebody ends who serves. */
  readonly remaining: Remaining;
  close(): void;
}

/** A socket that listens, once for each bucket. */
interface ListeningSocket {
  readonly id: number;
  readonly fds: readonly number[];
  /** What it is bound to: a real port where the configuration says 0. */
  readonly endpoint: Endpoint;
  /** The address differs from connection to connection. */
  readonly wildcard: boolean;
  /** A service manager has bound it, and keeps it. */
  readonly inherited?: Inherited;
  /** The file of a Unix-domain socket that is ours, by its number. */
  readonly file?: { readonly path: string; readonly inode: number | null };
}

/** A Unix-domain socket stands for the port of its protocol: virtual hosts and the server's own URLs ask for one. */
const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** The listening sockets of a server. */
export class ListeningSockets implements ServerSockets {
  #bound: Bound<ListeningSocket>[] = [];
  #inherited: readonly Inherited[] | undefined;
  #backlog = 0;
  #lastId = 0;

  /** `model` says how their connections are waited for. */
  constructor(readonly model: ConnectionModel, readonly log: LogFunction) {}

  /** Sets of sockets, of which each child has one (ListenCoresBucketsRatio). */
  readonly buckets: number = 1;

  get addresses(): readonly string[] {
    return this.#bound.map(({ address, socket }) => urlText(withPort(address, socket.endpoint.port)));
  }

  order(): SocketOrder {
    return this.#order(0, (fd) => posix.duplicate(fd, false));
  }

  orderFor(row: number): SocketOrder {
    return this.#order(row % this.buckets, (fd) => fd);
  }

  #order(bucket: number, use: (fd: number) => number): SocketOrder {
    return {
      sockets: this.#bound.map(({ socket: { id, fds, endpoint, wildcard } }) => ({
        id,
        fd: use(fds[bucket % fds.length]),
        local: wildcard ? null : endpoint,
      })),
    };
  }

  leaveTo<T>(row: number, start: () => T): T {
    // Only for this moment: other programs that are started from here must not hold our ports.
    const { sockets } = this.orderFor(row);
    for (const { fd } of sockets) posix.setCloseOnExec(fd, false);
    try {
      return start();
    } finally {
      for (const { fd } of sockets) posix.setCloseOnExec(fd, true);
    }
  }

  get remaining(): Remaining {
    return { sockets: this.#bound.map(({ socket }) => socket.id), backlog: this.#backlog };
  }

  configure(settings: MpmSettings): void {
    this.#inherited ??= takeInherited((message) => this.log("warn", undefined, message));
    const held = new Set(this.#bound.map(({ socket }) => socket));
    this.#bound = rebind(this.#bound, settings.listen, {
      bind: (address) => this.#bind(address, settings),
      close: (socket) => closeSocket(socket),
      warn: (message) => this.log("crit", undefined, message),
    });
    for (const { address, socket } of this.#bound) {
      if (held.has(socket)) { for (const fd of socket.fds) this.#listen(fd, address, settings); }
    }
    this.#backlog = backlogOf(settings);
  }

  #bind(address: ListenAddress, settings: MpmSettings): ListeningSocket {
    const text = addressText(address);
    const inherited = this.#inherited?.find((socket) => socket.address === text);
    const fd = inherited?.fd ?? (isUnix(address) ? bindUnix(address) : bindTcp(address, this.buckets > 1));
    const fds = [fd];
    const endpoint = isUnix(address)
      ? { address: "unix", port: PORTS[address.protocol] ?? PORTS.http }
      : { address: address.host.replace(/%.*$/, ""), port: address.port || sockets.boundPort(fd) };
    const wildcard = !isUnix(address) && (address.host === ANY4 || address.host === ANY6);
    const file = isUnix(address) && inherited === undefined
      ? { path: address.path, inode: Deno.lstatSync(address.path).ino }
      : undefined;
    const socket = { id: ++this.#lastId, fds, endpoint, wildcard, inherited, file };
    try {
      for (const fd of fds) this.#listen(fd, address, settings);
      return socket;
    } catch (error) {
      closeSocket(socket);
      throw error;
    }
  }

  #listen(fd: number, address: ListenAddress, settings: MpmSettings): void {
    putToListening(fd, addressText(address), {
      settings,
      protocol: address.protocol,
      unix: isUnix(address),
      patient: this.model !== "shared",
      warn: (ah, message) => this.log("warn", ah, message),
    });
  }

  close(): void {
    for (const { socket } of this.#bound) closeSocket(socket);
    this.#bound = [];
  }
}

/** What is inherited stays open, for the next configuration may name it again. */
function closeSocket({ fds, inherited, file }: ListeningSocket): void {
  if (inherited !== undefined) return;
  for (const fd of fds) posix.close(fd);
  if (file === undefined) return;
  try {
    // Somebody else's may be there by now.
    if (Deno.lstatSync(file.path).ino === file.inode) Deno.removeSync(file.path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
