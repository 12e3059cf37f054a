// Is this a host name, and which port comes with it? RFC 9110 §7.2, RFC 3986 §3.2.2, and httpd's checks.

import { type Fault, FAULTS } from "./errors.ts";
import { CLASS, HOST_NAME } from "./grammar.ts";
import { Memo } from "./text.ts";

/** The outcome of looking at `host[:port]`. */
export interface Authority {
  /** In lower case, without port and final dot, an IPv6 literal in brackets; undefined if empty. */
  readonly host?: string;
  /** 1 to 65535, undefined if not given. */
  readonly port?: number;
  /** What is wrong with it. */
  readonly fault?: Fault;
}

const strictly = new Memo((text) => parse(text, true));
const leniently = new Memo((text) => parse(text, false));

/** Takes `host[:port]` apart. `strict` is HttpProtocolOptions Strict. */
export function parseAuthority(text: string, strict: boolean): Authority {
  return strict ? strictly.get(text) : leniently.get(text);
}

/** What no host has in either mode; a comma or blank is what several Host fields would be merged to. */
const NEVER_IN_HOST = /\.\.|[\/\\,@?#\s\[\]:]/;

function parse(text: string, strict: boolean): Authority {
  if (text === "") return {};
  if (/^\d+$/.test(text)) return strict ? { fault: FAULTS.numericHost } : { host: text };
  const [, name, portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (name === undefined || name === "" || name === ".") return { fault: FAULTS.badHost };
  let port: number | undefined;
  if (portText !== undefined) {
    port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
    if (port < 1 || port > 65535) return { fault: FAULTS.badHost };
  }
  if (name.startsWith("[")) {
    return isIPv6(name.slice(1, -1)) ? { host: name.toLowerCase(), port } : { fault: FAULTS.badHost };
  }
  if (NEVER_IN_HOST.test(name)) return { fault: FAULTS.badHost };
  if (strict && !isStrictName(name)) return { fault: FAULTS.badHostCharacters };
  return { host: (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase(), port };
}

function isStrictName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if ((CLASS[name.charCodeAt(i)] & HOST_NAME) === 0) return false;
  }
  if (/^[\d.]+$/.test(name)) return isIPv4(name);
  const lastDot = name.lastIndexOf(".");
  return lastDot < 0 || lastDot === name.length - 1 || /[A-Za-z]/.test(name[lastDot + 1]);
}

/** Four numbers without leading zeros; each up to 255 (RFC 3986 `dec-octet`). */
function isIPv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** RFC 3986 `IPv6address`: eight groups, or fewer with one `::`; the last two may be an IPv4 address. */
function isIPv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === "") continue;
    const parts = half.split(":");
    for (const [at, part] of parts.entries()) {
      if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups += 1;
      else if (index === halves.length - 1 && at === parts.length - 1 && isIPv4(part)) groups += 2;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}
