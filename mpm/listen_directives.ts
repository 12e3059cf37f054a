// Which directives tell the server where and how to listen?

import { numberDirective } from "./number_directive.ts";
import type { ListenAddress, MpmDirective } from "./types.ts";

/** `[host:]port` of a Listen line. @throws Error with httpd's reasons */
export function parseListenAddress(address: string): { host: string; port: number } {
  const found = /^(?:(\*|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:[\]]+):)?(\d{1,5})$/.exec(address);
  if (found === null) {
    throw new Error(
      /^[^:]*$/.test(address) ? "Port must be specified" : `Invalid address or port: "${address}"`,
    );
  }
  const port = Number(found[2]);
  if (port < 1 || port > 65535) throw new Error("Port must be specified, from 1 to 65535");
  const host = found[1] ?? "";
  return { host: host === "*" ? "" : host.replace(/^\[|\]$/g, ""), port };
}

const listen: MpmDirective = {
  name: "Listen",
  syntax: "Listen [IP-address:]portnumber [protocol]",
  help: "A port number or a numeric IP address and a port number to listen on",
  args: [1, 2],
  apply([address, protocol], settings) {
    const { host, port } = parseListenAddress(address);
    if (settings.listen.some((other) => other.host === host && other.port === port)) {
      throw new Error(`Cannot define multiple Listeners on the same IP:port ${address}`);
    }
    const spoken = (protocol ?? (port === 443 ? "https" : "http")).toLowerCase();
    const added: ListenAddress = { host, port, protocol: spoken };
    settings.listen.push(added);
  },
};

/** What every MPM that listens knows. */
export const LISTEN_DIRECTIVES: readonly MpmDirective[] = [
  listen,
  numberDirective({
    name: "ListenBacklog",
    key: "listenBacklog",
    help: "Maximum length of the queue of pending connections, as used by listen(2)",
    min: 1,
    default: "511",
  }),
];
