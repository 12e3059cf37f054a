// Where are keys and certificates kept? In folders as httpd's mod_md has them, so that one can go on with what the other has got:
//
//   accounts/ACME-host-0000/   account.json, account.pem        at an authority
//   domains/name/              md.json, pubcert.pem, privkey.pem  in force; read when the server starts or restarts
//   staging/name/              md.json, job.json, and the same  got, not yet in force
//   archive/name.1/            what was in force before
//   challenges/domain/         acme-http-01.txt and the like    what an authority asks for, in clear for all threads

import { randomBytes } from "node:crypto";
import { join } from "@std/path";
import type { KeyKind } from "./config.ts";

/** Groups of folders. */
export type Group = "accounts" | "domains" | "staging" | "archive" | "challenges" | "tmp";

/** The file with the answer to http-01. */
export const HTTP_01 = "acme-http-01.txt";
/** What httpd's mod_md writes. */
const VERSION = 3;
const KEY_BYTES = 48;

/** The names of the files of a certificate with its chain, and of its key. */
export function filesOf(kind: KeyKind, before = ""): { readonly certificate: string; readonly key: string } {
  const ending = kind.type === "RSA" ? "pem" : `${kind.name}.pem`;
  return { certificate: `${before}pubcert.${ending}`, key: `${before}privkey.${ending}` };
}

/** The files with the answer to tls-alpn-01. */
export const TLS_ALPN_01 = filesOf({ type: "RSA", bits: 2048 }, "acme-tls-alpn-01-");

/** The folders of mod_md, in `root`. Errors of the file system go to who calls. */
export class Store {
  #secret: string | undefined;

  constructor(readonly root: string) {}

  path(group: Group, ...names: string[]): string {
    return join(this.root, group, ...names);
  }

  /** Makes what everybody may enter, and what only the owner may. */
  prepare(): void {
    Deno.mkdirSync(this.root, { recursive: true, mode: 0o755 });
    for (const group of ["accounts", "domains", "staging", "archive", "tmp"] as const) {
      Deno.mkdirSync(this.path(group), { recursive: true, mode: 0o700 });
    }
    Deno.mkdirSync(this.path("challenges"), { recursive: true, mode: 0o755 });
  }

  /** With which httpd's mod_md encrypts keys of accounts: it stands beside them. */
  get secret(): string {
    if (this.#secret !== undefined) return this.#secret;
    const path = join(this.root, "md_store.json");
    const known = readJson(path)?.key;
    if (typeof known === "string") return this.#secret = known;
    this.#secret = randomBytes(KEY_BYTES).toString("base64url");
    writeWhole(path, `${JSON.stringify({ version: VERSION, key: this.#secret }, null, 2)}\n`, 0o600);
    return this.#secret;
  }

  read(group: Group, ...names: string[]): string | undefined {
    return readText(this.path(group, ...names));
  }

  has(group: Group, ...names: string[]): boolean {
    return exists(this.path(group, ...names));
  }

  readJson(group: Group, ...names: string[]): Record<string, unknown> | undefined {
    return readJson(this.path(group, ...names));
  }

  /** Writes a file at once, making its folder. */
  write(text: string, group: Group, folder: string, name: string): void {
    const open = group === "challenges";
    Deno.mkdirSync(this.path(group, folder), { recursive: true, mode: open ? 0o755 : 0o700 });
    writeWhole(this.path(group, folder, name), text, open ? 0o644 : 0o600);
  }

  writeJson(value: unknown, group: Group, folder: string, name: string): void {
    this.write(`${JSON.stringify(value, null, 2)}\n`, group, folder, name);
  }

  /** Removes a folder with all that is in it. */
  purge(group: Group, folder: string): void {
    try {
      Deno.removeSync(this.path(group, folder), { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Puts the folder `name` of tmp in force; what was there goes to the archive. */
  install(name: string): void {
    const folder = this.path("domains", name);
    if (exists(folder)) {
      let number = 1;
      while (exists(this.path("archive", `${name}.${number}`))) number++;
      Deno.renameSync(folder, this.path("archive", `${name}.${number}`));
    }
    Deno.renameSync(this.path("tmp", name), folder);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The text of a file; undefined: it is not there. */
export function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Undefined also for what is no object. */
function readJson(path: string): Record<string, unknown> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whoever reads finds the old text or the new one. */
function writeWhole(path: string, text: string, mode: number): void {
  Deno.writeTextFileSync(`${path}.new`, text, { mode });
  Deno.renameSync(`${path}.new`, path);
}
