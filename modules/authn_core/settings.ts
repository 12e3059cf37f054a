// How does a place find out who its users are? AuthType and AuthName, which all authentication modules look at, and what knows users and
// their passwords.

import { dirKey, type DirStore } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";

/** Of a place. */
export interface Authentication {
  /** As written; undefined: nobody is asked for a name. */
  type: string | undefined;
  /** AuthType is given; with None nobody is asked, whatever is around. */
  typed: boolean;
  /** The realm. */
  name: string | undefined;
}

export const authnDir = dirKey<Authentication>("authn_core", {
  create: () => ({ type: undefined, typed: false, name: undefined }),
  merge: (base, over) => ({
    type: over.typed ? over.type : base.type,
    typed: over.typed || base.typed,
    name: over.name ?? base.name,
  }),
});

/** True when `type` ("Basic") is how `exchange`'s place asks. */
export function asksBy(type: string, exchange: Exchange): boolean {
  return exchange.dir.get(authnDir).type?.toLowerCase() === type.toLowerCase();
}

/** What a provider says of a user: "unknown": the next provider may know. */
export type Verdict = "granted" | "denied" | "unknown" | "error";

/** Who knows users (AuthBasicProvider, AuthDigestProvider). `dir` has the values of the provider's own directives. */
export interface AuthnProvider {
  /** In lower case. */
  readonly name: string;
  /** `user` and `password` are bytes, a character each. */
  check(user: string, password: string, dir: DirStore, exchange: Exchange): Verdict | Promise<Verdict>;
  /** MD5 of "user:realm:password" in hexadecimal digits, as HTTP Digest needs it; not there: the provider does not know. */
  realmHash?(user: string, realm: string, dir: DirStore, exchange: Exchange): string | "unknown" | "error";
}

/** `realm` as a quoted-string. */
export function quotedRealm(realm: string): string {
  return `"${realm.replace(/["\\]/g, "\\$&")}"`;
}
