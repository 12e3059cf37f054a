// Is an address in a network? Networks as httpd takes them: an address, its first bytes, or either with a mask.

import { canonicalAddress } from "./addresses.ts";
import { ArgumentError } from "./errors.ts";

/** A network: the first `bits` of `bytes`. 4 bytes are IPv4, 16 are IPv6. */
export interface Subnet {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** The bytes of an IP address, IPv4 within IPv6 as IPv4; undefined if it is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  const canonical = canonicalAddress(text);
  if (canonical === undefined) return undefined;
  if (!canonical.includes(":")) return Uint8Array.from(canonical.split("."), Number);
  // Canonical: in lower case, no dots, `::` for the longest run of zeros.
  const [head, tail] = canonical.split("::").map((half) => half === "" ? [] : half.split(":"));
  const groups = tail === undefined
    ? head
    : [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}

/** Takes `10.1`, `10.1.2.3`, `10.1.0.0/16`, `10.1.0.0/255.255.0.0`, `2001:db8::/32`. @throws ArgumentError */
export function parseSubnet(text: string): Subnet {
  const invalid = () => new ArgumentError(`ip address '${text}' appears to be invalid`);
  const [address, mask, ...more] = text.split("/");
  if (more.length > 0) throw invalid();
  const given = /^\d{1,3}(?:\.\d{1,3}){0,3}\.?$/.test(address)
    ? address.replace(/\.$/, "").split(".")
    : undefined;
  const whole = given === undefined ? address : [...given, "0", "0", "0"].slice(0, 4).join(".");
  const bytes = addressBytes(whole);
  // A mask needs the whole address, as in httpd.
  if (bytes === undefined || (mask !== undefined && given !== undefined && given.length < 4)) throw invalid();
  if (mask === undefined) return { bytes, bits: given === undefined ? bytes.length * 8 : given.length * 8 };
  const bits = /^\d{1,3}$/.test(mask) ? Number(mask) : bitsOf(addressBytes(mask), bytes.length);
  if (bits === undefined || bits > bytes.length * 8) throw invalid();
  return { bytes, bits };
}

/** The number of leading ones of a mask that has nothing but zeros after them. */
function bitsOf(mask: Uint8Array | undefined, length: number): number | undefined {
  if (mask === undefined || mask.length !== length) return undefined;
  const digits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(digits) ? digits.lastIndexOf("1") + 1 : undefined;
}

/** True when the address, in any spelling, is in the network; false for what is no address. */
export function inSubnet(address: string, { bytes, bits }: Subnet): boolean {
  const found = addressBytes(address);
  if (found === undefined || found.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (found[index] !== bytes[index]) return false;
  const shift = 8 - (bits & 7);
  return shift === 8 || (found[whole] >> shift) === (bytes[whole] >> shift);
}
