// Which sockets has a service manager bound for this server? systemd's protocol (sd_listen_fds(3)): descriptors from 3 on, told
// by variables. Such a socket stays open from one start of the server to the next, so no client is ever refused.

import { endpoint } from "../../platform/addresses.ts";
import * as posix from "../../platform/posix.ts";
import * as sockets from "../../platform/sockets.ts";
import { addressText } from "./listen_addresses.ts";

const FIRST = 3;

/** A socket that was there when the server was started. */
export interface Inherited {
  readonly fd: number;
  /** As a Listen line's address is shown: `[::]:80`, `unix:/run/site.sock`. */
  readonly address: string;
  /** What the service manager calls it (FileDescriptorName=); "" for none. */
  readonly name: string;
}

/**
 * The sockets that listen and were left to this process, if any were; `warn` hears of those that are nothing to a server. The
 * variables are taken out of the environment: they are not for the processes that are started from here.
 */
export function takeInherited(warn: (message: string) => void): Inherited[] {
  const [pid, fds, names] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"].map((name) => {
    const value = Deno.env.get(name);
    Deno.env.delete(name);
    return value;
  });
  if (Number(pid) !== Deno.pid || fds === undefined || !/^\d{1,5}$/.test(fds)) return [];
  const titles = names?.split(":") ?? [];
  const found: Inherited[] = [];
  for (let i = 0; i < Number(fds); i++) {
    const fd = FIRST + i;
    const name = titles[i] ?? "";
    if (!sockets.isListening(fd)) {
      warn(
        `descriptor ${fd} (${
          name || "no name"
        }) of LISTEN_FDS is no stream socket that listens: it is not used`,
      );
      continue;
    }
    posix.setCloseOnExec(fd, true);
    posix.setNonBlocking(fd, true);
    found.push({ fd, address: inheritedAddress(fd), name });
  }
  return found;
}

function inheritedAddress(fd: number): string {
  const path = sockets.unixPath(fd);
  if (path !== undefined) return `unix:${path}`;
  const { address, port } = endpoint(posix.localAddress(fd));
  return addressText({ host: address, port, protocol: "" });
}
