// How is a set of listening sockets changed? What stays is kept, what is new is bound, and only then what is gone is closed:
// when something cannot be bound everything is as before.

import { BindError } from "./bind_error.ts";
import { addressText, ANY4, ANY6, isUnix } from "./listen_addresses.ts";
import type { ListenAddress } from "../types.ts";

/** A socket with the address that it was bound for. */
export interface Bound<S> {
  readonly address: ListenAddress;
  readonly socket: S;
}

/** How sockets of one kind are made and unmade. */
export interface Binder<S> {
  /** @throws BindError */
  bind(address: ListenAddress): S;
  close(socket: S): void;
  /** A wildcard for IPv6 could not be bound; that for IPv4 could. */
  warn(message: string): void;
}

/**
 * The sockets for `addresses` (numeric ones), in their order: those of `held` that stay, and new ones. A bound `::` takes
 * IPv4 connections too, so the `0.0.0.0` of the same port is left out; where `::` cannot be bound, that one is enough.
 * @throws BindError; `held` is then untouched
 */
export function rebind<S>(
  held: readonly Bound<S>[],
  addresses: readonly ListenAddress[],
  binder: Binder<S>,
): Bound<S>[] {
  const wanted: Bound<S>[] = [];
  const added: Bound<S>[] = [];
  const failures = new Map<number, BindError>();
  try {
    for (const address of addresses) {
      const text = addressText(address);
      const kept = held.find((other) => addressText(other.address) === text);
      if (kept !== undefined) {
        wanted.push({ address, socket: kept.socket });
        continue;
      }
      if (isCovered(address, wanted)) continue;
      const one = { address, socket: attempt(address, addresses, failures, binder) };
      if (one.socket === undefined) continue;
      added.push(one as Bound<S>);
      wanted.push(one as Bound<S>);
    }
  } catch (error) {
    for (const { socket } of added) binder.close(socket);
    throw error;
  }
  for (const { message, unsupported } of failures.values()) if (!unsupported) binder.warn(message);
  for (const { socket } of held) if (!wanted.some((other) => other.socket === socket)) binder.close(socket);
  return wanted;
}

/** Connections to this wildcard come to another socket anyway. */
function isCovered<S>(address: ListenAddress, wanted: readonly Bound<S>[]): boolean {
  return !isUnix(address) && address.host === ANY4 &&
    hasWildcard(ANY6, address.port, wanted.map((one) => one.address));
}

function hasWildcard(host: string, port: number, addresses: readonly ListenAddress[]): boolean {
  return addresses.some((other) => !isUnix(other) && other.host === host && other.port === port);
}

/** Binds; undefined where the other wildcard is still to be tried. @throws BindError */
function attempt<S>(
  address: ListenAddress,
  addresses: readonly ListenAddress[],
  failures: Map<number, BindError>,
  binder: Binder<S>,
): S | undefined {
  try {
    return binder.bind(address);
  } catch (error) {
    if (!(error instanceof BindError) || isUnix(address)) throw error;
    const { host, port } = address;
    if (host === ANY6 && hasWildcard(ANY4, port, addresses)) {
      failures.set(port, error);
      return undefined;
    }
    const before = host === ANY4 ? failures.get(port) : undefined;
    throw before === undefined || before.unsupported
      ? error
      : new BindError(`${before.message}\n${error.message}`);
  }
}
