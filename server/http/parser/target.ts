// Which form has a request target, and where do its authority and path lie? RFC 9112 §3.2; only for targets
// that are not plain origin-form, which readRequestLine takes itself.

import { type Fault, FAULTS } from "./errors.ts";
import { parseAuthority } from "./host.ts";

/** RFC 9112 §3.2. */
export type TargetForm = "origin" | "absolute" | "authority" | "asterisk";

/** A target taken apart, or what is wrong with it. */
export interface TargetParts {
  readonly form: TargetForm;
  /** `host[:port]` of absolute and authority form. */
  readonly authority?: string;
  /** Index in the target where path and query begin (its length if it has none). */
  readonly pathStart: number;
  /** The URI cannot be used at all; reported before a method that is not registered. */
  readonly fault?: Fault;
}

/** Takes a target of visible characters apart. `strict` is HttpProtocolOptions Strict. */
export function parseTarget(method: string, target: string, strict: boolean): TargetParts {
  if (method === "CONNECT") return authorityForm(target, strict);
  if (target.startsWith("/")) {
    return {
      form: "origin",
      pathStart: 0,
      fault: strict && target.includes("#") ? FAULTS.fragment : undefined,
    };
  }
  if (target === "*" && method === "OPTIONS") return { form: "asterisk", pathStart: 0 };
  return absoluteForm(target, strict);
}

/** `host:port`; the port is not optional (RFC 9112 §3.2.3). */
function authorityForm(target: string, strict: boolean): TargetParts {
  const { host, port, fault } = parseAuthority(target, strict);
  const usable = host !== undefined && port !== undefined && fault === undefined;
  return {
    form: "authority",
    authority: target,
    pathStart: target.length,
    fault: usable ? undefined : FAULTS.unparsableUri,
  };
}

/** `scheme://[userinfo@]authority[path][?query]` */
function absoluteForm(target: string, strict: boolean): TargetParts {
  const [prefix, scheme, authority] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^\/?#]*)/.exec(target) ?? [];
  const parts = { form: "absolute", pathStart: prefix === undefined ? 0 : prefix.length } as const;
  if (prefix === undefined || authority === "") return { ...parts, fault: FAULTS.unparsableUri };
  if (strict && target.includes("#")) return { ...parts, fault: FAULTS.fragment };
  const at = authority.lastIndexOf("@");
  if (strict && at >= 0) return { ...parts, fault: FAULTS.userinfo };
  if (!/^https?$/i.test(scheme)) return { ...parts, fault: FAULTS.foreignScheme };
  const host = authority.slice(at + 1);
  return host === "" ? { ...parts, fault: FAULTS.unparsableUri } : { ...parts, authority: host };
}
