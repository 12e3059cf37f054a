// What does the server take from the MPMs? What runs it; server threads take less (thread_side.ts).

import { passesDescriptors } from "../platform/detect.ts";
import { runControlProcess } from "./control/control_process.ts";
import { ListeningSockets } from "./listening/listeners.ts";
import { CheckedRelaySockets, HeldRelaySockets } from "./relay/relay_sockets.ts";
import { runSingleProcess } from "./control/single_process.ts";
import type { Mpm, MpmSettings, ServerHost } from "./types.ts";

export { isChild, runChild } from "./child/child.ts";
export { BindError } from "./listening/bind_error.ts";
export { type Endpoint } from "./shared/transport.ts";
export { allMpms, chooseMpm, findMpm, type MpmChoice, MpmError, requireMpm } from "./registry.ts";
export type { CarryOut, RemoteAction } from "./control/server_signals.ts";
export type { PreparedProgram, ThreadModule } from "./child/serving.ts";
export type { Destination, Outgoing, OutgoingConnection, OutgoingUser } from "./shared/outgoing.ts";
export { LONGEST_PROXY_HEADER, type ProxyHeader, type ProxyProtocolPolicy } from "./shared/proxy_protocol.ts";
export type { ConnectionSecurity, SecurityPolicy } from "./shared/security.ts";
export type {
  CloseMode,
  Connection,
  FileSource,
  ProtocolHandler,
  ThreadProgram,
  Transport,
} from "./shared/transport.ts";
export { ChildExit } from "./shared/child_order.ts";
export type {
  ChildCommand,
  ListenAddress,
  Mpm,
  MpmDirective,
  MpmName,
  MpmSettings,
  RunnableConfig,
  ServerHost,
  ServerView,
  Supervisor,
} from "./types.ts";
export type { ThreadOrder } from "./thread/server_thread.ts";

/**
 * Runs the server under `mpm` until it is stopped. `oneProcess`: without children, for debugging (httpd -X).
 * @returns the exit code @throws BindError
 */
export async function runMpm(mpm: Mpm, host: ServerHost, oneProcess: boolean): Promise<number> {
  const relay = relays(mpm, host.config.settings);
  const listening = () => new ListeningSockets(mpm.model, host.log);
  return mpm.singleProcess || oneProcess
    ? await runSingleProcess(mpm, host, relay ? new HeldRelaySockets(host.log) : listening())
    : await runControlProcess(mpm, host, relay ? new CheckedRelaySockets(host.log) : listening());
}

/** Connections stay with who accepted them, because they cannot be passed, or must not (DescriptorPassing Off). */
export function relays(mpm: Mpm, settings: MpmSettings): boolean {
  if (mpm.requires.includes("descriptor passing")) return false;
  return settings.descriptorPassing === false || !passesDescriptors().available;
}
