// What do the functions of expressions make of their argument?

import type { ExpressionSubject } from "./subject.ts";
import type { FunctionName } from "./vocabulary.ts";

/** The result of `name(...args)`. What there is not, or does not decode, is "". */
export function call(name: FunctionName, args: readonly string[], subject: ExpressionSubject): string {
  const [arg] = args;
  switch (name) {
    case "req":
    case "http":
      return subject.requestField(arg.toLowerCase(), arg.toLowerCase() !== "host") ?? "";
    case "req_novary":
      return subject.requestField(arg.toLowerCase(), false) ?? "";
    case "resp":
      return subject.responseField(arg.toLowerCase()) ?? "";
    case "reqenv":
    case "v":
      return subject.environment(arg) ?? "";
    case "osenv":
      return subject.osEnvironment(arg) ?? "";
    case "note":
      return subject.note(arg) ?? "";
    case "env":
      return subject.note(arg) ?? subject.environment(arg) ?? subject.osEnvironment(arg) ?? "";
    case "tolower":
      return arg.toLowerCase();
    case "toupper":
      return arg.toUpperCase();
    case "escape":
      return escape(arg);
    case "unescape":
      return unescape(arg);
    case "base64":
      return encodedBase64(arg);
    case "unbase64":
      return decodedBase64(arg);
    case "md5":
    case "sha1":
      return digest(name, arg);
    case "ldap":
      // RFC 4515 §3.
      return arg.replace(/[*()\\\0]/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
    case "replace":
      return args[1] === "" ? arg : arg.replaceAll(args[1], () => args[2]);
    case "file":
      return subject.files.read(arg) ?? "";
    case "filesize": {
      const found = subject.files.stat(arg);
      return found?.isFile === true ? String(found.size) : "0";
    }
    case "filemod": {
      // Microseconds.
      const found = subject.files.stat(arg);
      return found?.isFile === true ? String(Math.trunc(found.mtime * 1000)) : "0";
    }
  }
}

interface NodeGlobals {
  readonly process: { getBuiltinModule(name: "node:crypto"): typeof import("node:crypto") };
}

/** Digests that can be waited for would not do here. The module is loaded when it is used: it costs every thread 25 ms. */
function digest(name: "md5" | "sha1", text: string): string {
  const { createHash } = (globalThis as unknown as NodeGlobals).process.getBuiltinModule("node:crypto");
  return createHash(name).update(text).digest("hex");
}

/** Bytes outside of what a path may have become `%xx`. */
function escape(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9$\-_.+!*'(),:@&=/~]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** Text for bytes: UTF-8 if they are that, otherwise one character for each. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return String.fromCharCode(...bytes);
  }
}

/** An encoded slash stays as it is; a percent sign without two digits, or a NUL, make the whole text void. */
function unescape(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})|%00/.test(text)) return "";
  return text.replace(/(?:%(?!2f)[0-9A-Fa-f]{2})+/gi, (run) => {
    return textOf(Uint8Array.from(run.slice(1).split("%"), (digits) => parseInt(digits, 16)));
  });
}

function encodedBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** As httpd: up to the first character that does not belong there. */
function decodedBase64(text: string): string {
  const [clean] = /^[A-Za-z0-9+/]*/.exec(text)!;
  const usable = clean.length % 4 === 1 ? clean.slice(0, -1) : clean;
  return textOf(Uint8Array.fromBase64(usable, { lastChunkHandling: "loose" }));
}
