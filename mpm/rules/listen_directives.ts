// Which directives tell the server where and how to listen?

import { addressText } from "../listening/listen_addresses.ts";
import { numberDirective } from "./number_directive.ts";
import type { ListenAddress, MpmDirective, MpmSettings, TcpAddress, UnixAddress } from "../types.ts";

/** Who may connect to a Unix-domain socket, unless its line says otherwise: owner and group. */
const DEFAULT_MODE = 0o660;

/** `[host:]port` of a Listen line; port 0 stands for one that is free. @throws Error with httpd's reasons */
function parseTcp(address: string, protocol: string | undefined): TcpAddress {
  const found = /^(?:(\*|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:[\]]+):)?(\d{1,5})$/.exec(address);
  if (found === null) {
    throw new Error(
      /^[^:]*$/.test(address) ? "Port must be specified" : `Invalid address or port: "${address}"`,
    );
  }
  const port = Number(found[2]);
  if (port > 65535) throw new Error("Port must be specified, from 1 to 65535, or 0 for any that is free");
  const host = found[1] ?? "";
  return {
    host: host === "*" ? "" : host.replace(/^\[|\]$/g, ""),
    port,
    protocol: (protocol ?? (port === 443 ? "https" : "http")).toLowerCase(),
  };
}

/** `unix:/path [mode=0660] [protocol]`. @throws Error that says what was expected */
function parseUnix([address, ...rest]: readonly string[]): UnixAddress {
  const path = address.slice("unix:".length);
  if (!path.startsWith("/")) throw new Error(`Listen unix: needs an absolute path, not "${path}"`);
  let mode = DEFAULT_MODE;
  if (rest[0]?.startsWith("mode=")) {
    const text = rest.shift()!.slice("mode=".length);
    if (!/^0?[0-7]{3}$/.test(text)) throw new Error(`mode must be octal, as in mode=0660, not "${text}"`);
    mode = Number.parseInt(text, 8);
  }
  const [protocol = "http", surplus] = rest;
  if (surplus !== undefined) {
    throw new Error(`Listen unix: takes a path, mode= and a protocol, not "${surplus}"`);
  }
  return { path, mode, protocol: protocol.toLowerCase() };
}

/** The arguments of a Listen line. @throws Error that says what was expected */
export function parseListen(args: readonly string[]): ListenAddress {
  const [address, protocol, surplus] = args;
  if (address.startsWith("unix:")) return parseUnix(args);
  if (surplus !== undefined) throw new Error(`Listen takes an address and a protocol, not "${surplus}" too`);
  return parseTcp(address, protocol);
}

const listen: MpmDirective = {
  name: "Listen",
  syntax: "Listen [IP-address:]portnumber [protocol] | unix:/path [mode=0660] [protocol]",
  help:
    "A port number, or an address or host name and a port number, to listen on; or the path of a Unix-domain socket",
  differs:
    "httpd has no unix: addresses, and no port 0 (one that is free, kept over restarts). A virtual host with a certificate speaks TLS on ports that are for https; the main server says SSLEngine.",
  args: [1, 3],
  apply(args, settings) {
    const added = parseListen(args);
    const text = addressText(added);
    if (settings.listen.some((other) => addressText(other) === text)) {
      throw new Error(`Cannot define multiple Listeners on the same IP:port ${args[0]}`);
    }
    settings.listen.push(added);
  },
};

/** What may be asked of a filter, and whether the connection is then kept back. The names are those of all systems. */
const FILTERS: ReadonlyMap<string, boolean> = new Map([
  ["none", false],
  ["data", true],
  ["connect", false],
  ["httpready", true],
  ["dataready", true],
]);

const acceptFilter: MpmDirective = {
  name: "AcceptFilter",
  syntax: "AcceptFilter protocol data|none",
  help:
    "Whether the kernel keeps a connection back until it has sent something, 30 s at most (Linux; httpready and dataready are the same as data, connect as none)",
  default: "http data, https data",
  args: 2,
  apply([protocol, filter], settings) {
    const waits = FILTERS.get(filter.toLowerCase());
    if (waits === undefined) {
      throw new Error(`AcceptFilter knows ${[...FILTERS.keys()].join(", ")}, not "${filter}"`);
    }
    settings.acceptFilters = { ...settings.acceptFilters, [protocol.toLowerCase()]: waits };
  },
};

/** Smaller buffers than this are a mistake of units, says httpd. */
const LEAST_BUFFER = 512;

function bufferSize(name: string, key: "sendBufferSize" | "receiveBufferSize", help: string): MpmDirective {
  const row = numberDirective({ name, key, help, default: "0" });
  return {
    ...row,
    syntax: `${name} bytes`,
    apply(args, settings: MpmSettings) {
      row.apply(args, settings);
      const size = settings[key]!;
      if (size < 0 || (size > 0 && size < LEAST_BUFFER)) {
        throw new Error(`${name} must be >= ${LEAST_BUFFER} bytes, or 0 for system default`);
      }
    },
  };
}

/** What every MPM that listens knows. */
export const LISTEN_DIRECTIVES: readonly MpmDirective[] = [
  listen,
  acceptFilter,
  numberDirective({
    name: "ListenBacklog",
    key: "listenBacklog",
    help: "Maximum length of the queue of pending connections, as used by listen(2)",
    min: 1,
    default: "511",
  }),
  bufferSize(
    "SendBufferSize",
    "sendBufferSize",
    "Bytes of the kernel's output buffer of a connection; 0: system default",
  ),
  bufferSize(
    "ReceiveBufferSize",
    "receiveBufferSize",
    "Bytes of the kernel's input buffer of a connection; 0: system default",
  ),
];
