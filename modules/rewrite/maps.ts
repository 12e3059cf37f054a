// What does a name of a RewriteMap stand for? Text files (txt, rnd), functions (int) and programs (prg).

import { isAbsolute, join } from "@std/path";
import { ArgumentError } from "../../server/config/mod.ts";
import { escapedPath } from "../alias/rules.ts";
import { commandWords } from "../cgi/arguments.ts";
import { programMap } from "./program_map.ts";

/** The value of a key; undefined: the map has none. */
export type RewriteMap = (key: string) => string | undefined;

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // What is no UTF-8, or has an escape that is none, stays as it is.
    if (error instanceof URIError) return text;
    throw error;
  }
}

const FUNCTIONS: Readonly<Record<string, RewriteMap>> = {
  toupper: (key) => key.toUpperCase(),
  tolower: (key) => key.toLowerCase(),
  escape: escapedPath,
  unescape: unescaped,
};

/** Kinds that there are in httpd, and why they are not here. */
const MISSING: Readonly<Record<string, string>> = {
  dbm: "there is no reader for DBM files: use txt",
  dbd: "there is no connection to databases",
  fastdbd: "there is no connection to databases",
};

/** Lines of a key and a value; # begins a comment. The first line for a key counts. */
function parsed(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const found = /^(\S+)[ \t]+(\S+)/.exec(line);
    if (found !== null && !values.has(found[1])) values.set(found[1], found[2]);
  }
  return values;
}

/** A file, read again when it has changed. */
function fileMap(path: string): RewriteMap {
  let stamp = "";
  let values: ReadonlyMap<string, string> = new Map();
  return (key) => {
    try {
      const { mtime, size } = Deno.statSync(path);
      const now = `${mtime?.getTime()} ${size}`;
      if (now !== stamp) {
        values = parsed(Deno.readTextFileSync(path));
        stamp = now;
      }
    } catch (error) {
      // While the file is replaced, what it said last counts.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return values.get(key);
  };
}

/** One of the values that a bar separates. */
function anyOf(map: RewriteMap): RewriteMap {
  return (key) => {
    const choices = map(key)?.split("|");
    return choices?.[Math.floor(Math.random() * choices.length)];
  };
}

/** The file of a map. @throws ArgumentError when it is none */
function existing(name: string, file: string, serverRoot: string): string {
  const path = isAbsolute(file) ? file : join(serverRoot, file);
  try {
    if (!Deno.statSync(path).isFile) throw new ArgumentError(`RewriteMap: ${path} is no file`);
  } catch (error) {
    if (error instanceof ArgumentError) throw error;
    throw new ArgumentError(`RewriteMap: file for map ${name} not found: ${path} (${error})`);
  }
  return path;
}

/** `type:source`, a path alone being a text file. @throws ArgumentError */
export function parseMap(name: string, source: string, serverRoot: string): RewriteMap {
  const [, type = "txt", rest] = /^(?:([a-z]+):)?(.*)$/s.exec(source)!;
  if (type === "int") {
    if (Object.hasOwn(FUNCTIONS, rest)) return FUNCTIONS[rest];
    throw new ArgumentError(`RewriteMap: internal map not found: ${rest}`);
  }
  if (Object.hasOwn(MISSING, type)) {
    throw new ArgumentError(
      `RewriteMap ${name}: maps of type ${type} are not supported, as ${MISSING[type]}`,
    );
  }
  if (type === "prg") {
    if (Deno.build.os === "windows") {
      throw new ArgumentError(`RewriteMap ${name}: maps of type prg are not there on Windows`);
    }
    const [program = "", ...args] = commandWords(rest);
    return programMap(name, [existing(name, program, serverRoot), ...args]);
  }
  if (type !== "txt" && type !== "rnd") throw new ArgumentError(`RewriteMap: unknown map type "${type}"`);
  const path = existing(name, rest, serverRoot);
  return type === "rnd" ? anyOf(fileMap(path)) : fileMap(path);
}
