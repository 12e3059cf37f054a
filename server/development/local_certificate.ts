// Where does the certificate of --https come from? From an authority that is made once per user and kept; whoever trusts it has no
// warnings from then on.

import { join } from "@std/path";
import { system } from "../../platform/detect.ts";
import { UsageError } from "../options.ts";
import { Authority, type Issued } from "./certificates.ts";
import type { LocalCertificate } from "./trust.ts";

const NAMES = ["localhost", "127.0.0.1", "::1"];
/** A certificate that holds less than this (ms) is replaced. */
const RENEW_MS = 30 * 24 * 3600 * 1000;

/** The user's certificate for this machine, made now if there is none that holds. @throws UsageError without a home directory */
export async function localCertificate(folder: string = userFolder()): Promise<LocalCertificate> {
  const path = (name: string) => join(folder, name);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const kept = await readPair(path("authority.pem"), path("authority.key"));
  const authority = kept === undefined
    ? await Authority.create(`mpmd development authority of ${userName()}`)
    : await Authority.open(kept);
  if (kept === undefined) await writePair(path("authority.pem"), path("authority.key"), authority.issued);
  const names = [...NAMES, Deno.hostname().toLowerCase()].filter((name) => /^[\w.:-]+$/.test(name));
  const site = await readPair(path("localhost.pem"), path("localhost.key"));
  if (kept === undefined || site === undefined || !authority.holds(site.certificate, RENEW_MS, names)) {
    await writePair(
      path("localhost.pem"),
      path("localhost.key"),
      await authority.issue({ commonName: "localhost", names }),
    );
  }
  return {
    certificate: path("localhost.pem"),
    key: path("localhost.key"),
    authority: path("authority.pem"),
  };
}

function userFolder(): string {
  const home = Deno.env.get("HOME");
  const data = Deno.env.get("XDG_DATA_HOME") ??
    (home && join(home, system === "darwin" ? "Library/Application Support" : ".local/share"));
  if (!data) {
    throw new UsageError("--https keeps its certificate in the user's home directory: HOME is not set");
  }
  return join(data, "mpmd", "https");
}

function userName(): string {
  return (Deno.env.get("USER") ?? "somebody").replace(/[^\w.-]/g, "_");
}

async function readPair(certificate: string, key: string): Promise<Issued | undefined> {
  try {
    return { certificate: await Deno.readTextFile(certificate), key: await Deno.readTextFile(key) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The key first: a certificate without one would be taken for complete. */
async function writePair(certificate: string, key: string, issued: Issued): Promise<void> {
  await Deno.writeTextFile(key, issued.key, { mode: 0o600 });
  await Deno.writeTextFile(certificate, issued.certificate);
}
