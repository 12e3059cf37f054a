// For whom is a request, by what the proxies say that it has passed? From the last one on, as long as each of them is believed.

import { addressBytes, canonicalAddress, inSubnet, type Subnet } from "../../server/config/mod.ts";

/** A proxy that is believed. */
export interface Believed {
  readonly subnet: Subnet;
  readonly internal: boolean;
}

/** What came of a list of clients. */
export interface Forwarded {
  /** Who has sent the request; undefined: the peer. */
  readonly client: string | undefined;
  /** What is left of the list; undefined: nothing. */
  readonly rest: string | undefined;
  /** Proxies on the way that are not internal, the nearest first; "": none. */
  readonly proxies: string;
  /** What ended the search, for the log: it is no address, or one that this proxy may not name. */
  readonly problem?: { readonly ah: string; readonly message: string };
}

/** Networks that no proxy of somebody else can speak for. */
const PRIVATE: readonly Subnet[] = [[10, 0, 8], [127, 0, 8], [169, 254, 16], [172, 16, 12], [192, 168, 16]]
  .map(([first, second, bits]) => ({ bytes: Uint8Array.from([first, second, 0, 0]), bits }));

function isPrivate(address: string): boolean {
  if (address.includes(":")) return (addressBytes(address)![0] & 0xe0) !== 0x20;
  return PRIVATE.some((subnet) => inSubnet(address, subnet));
}

/**
 * Finds the client by `list`, what `field` says (`client, proxy, proxy`), for a request that `peer` has sent. `believed`: who may speak
 * for others; undefined: everybody, but not for private addresses.
 */
export function findClient(
  field: string,
  list: string,
  peer: string,
  believed: readonly Believed[] | undefined,
): Forwarded {
  let client: string | undefined;
  let rest: string | undefined = list;
  let proxies = "";
  let internal = believed !== undefined;
  while (rest !== undefined) {
    const from: string = client ?? peer;
    const speaker = believed?.find(({ subnet }) => inSubnet(from, subnet));
    if (believed !== undefined && speaker === undefined) break;
    // Behind one that is not our own, nobody is.
    internal &&= speaker?.internal === true;
    const comma: number = rest.lastIndexOf(",");
    const named: string = rest.slice(comma + 1).replace(/^ +| +$/g, "");
    if (named === "") break;
    const address = canonicalAddress(named);
    const problem = address === undefined
      ? {
        ah: "AH01568",
        message: `RemoteIP: Header ${field} value of ${named} cannot be parsed as a client IP`,
      }
      : !internal && isPrivate(address)
      ? {
        ah: "AH01569",
        message:
          `RemoteIP: Header ${field} value of ${named} appears to be a private IP or nonsensical.  Ignored`,
      }
      : undefined;
    if (problem !== undefined) return { client, rest: rest.replace(/ +$/, ""), proxies, problem };
    if (!internal) proxies += proxies === "" ? from : `, ${from}`;
    client = address;
    rest = comma < 0 ? undefined : rest.slice(0, comma);
  }
  return { client, rest, proxies };
}
