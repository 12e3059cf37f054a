// What do the tests of the configuration have in common? A file system in memory, and reading and applying in one step.

import { applyConfig } from "./apply.ts";
import { DirectiveTable } from "./directive_table.ts";
import type { Directive, DirectiveRow } from "./directives.ts";
import type { ConfigFiles } from "./files.ts";
import type { ConfigNode } from "./grammar.ts";
import type { ConfigTree, ReadOptions } from "./read_options.ts";
import { readConfig } from "./reader.ts";
import { sectionRows } from "./sections.ts";
import type { ServerConfig } from "./server_config.ts";
import { dirKey, serverKey } from "./stores.ts";

/** A file system of the given files; their directories exist, and so does /srv. What contains /denied cannot be looked at. */
export function memoryFiles(contents: Readonly<Record<string, string>>): ConfigFiles {
  const paths = Object.keys(contents);
  const bare = (path: string) => path.length > 1 ? path.replace(/\/$/, "") : path;
  const below = (path: string) =>
    paths.filter((file) => file.startsWith(bare(path) === "/" ? "/" : `${bare(path)}/`));
  return {
    readTextFile(path) {
      if (!Object.hasOwn(contents, path)) throw new Deno.errors.NotFound(`no file ${path}`);
      return contents[path];
    },
    stat(path) {
      // As Deno.statSync() does.
      if (path.includes("\0")) throw new TypeError("file name contained an unexpected NUL byte");
      if (/[\\/]denied/.test(path)) {
        throw new Deno.errors.PermissionDenied(`No such permission: stat '${path}'`);
      }
      if (Object.hasOwn(contents, path)) return { isDirectory: false };
      return bare(path) === "/srv" || below(path).length > 0 ? { isDirectory: true } : undefined;
    },
    readDir: (path) =>
      [...new Set(below(path).map((file) => file.slice(bare(path).length + 1).split("/")[0]))].reverse(),
  };
}

/** Reads /srv/httpd.conf with `text` in it, and the other `files`. */
export function read(
  text: string,
  files: Readonly<Record<string, string>> = {},
  options: Partial<ReadOptions> = {},
): ConfigTree {
  return readConfig({
    files: memoryFiles({ "/srv/httpd.conf": text, ...files }),
    serverRoot: "/srv",
    file: "/srv/httpd.conf",
    environment: () => undefined,
    version: "2.4.66",
    loadModule: () => {},
    hasModule: () => false,
    hasDirective: () => false,
    ...options,
  });
}

/** Nodes in short: `Name[arg|arg]`, a section with its children in braces. */
export function brief(nodes: readonly ConfigNode[]): string {
  return nodes.map(({ name, args, children }) =>
    `${name}[${args.join("|")}]${children === undefined ? "" : `{${brief(children)}}`}`
  ).join(" ");
}

/** `Note text` appends to a list per place, `HostNote text` to one per host: tests see what was merged, and in which order. */
export const noteDir = dirKey<{ notes: string[] }>("note", {
  create: () => ({ notes: [] }),
  merge: (base, over) => ({ notes: [...base.notes, ...over.notes] }),
});
export const noteHost = serverKey<{ notes: string[] }>("host note", {
  create: () => ({ notes: [] }),
  merge: (base, over) => ({ notes: [...base.notes, ...over.notes] }),
});

const note: Directive = {
  name: "Note",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: 1,
  override: "FileInfo",
  syntax: "Note text",
  help: "Appends to the notes of a place",
  apply: ([text], to) => {
    to.dir.get(noteDir).notes.push(text);
  },
};

const hostNote: Directive = {
  name: "HostNote",
  contexts: ["server config", "virtual host"],
  args: [1, 2],
  syntax: "HostNote text [text]",
  help: "Appends to the notes of a host",
  apply: (texts, to) => {
    to.server.get(noteHost).notes.push(...texts);
  },
};

/** Reads and applies `text` with the core's sections, Note, HostNote and `rows`. */
export function load(text: string, rows: readonly DirectiveRow[] = [], windowsPaths = false): ServerConfig {
  return applyConfig(read(text).nodes, {
    table: new DirectiveTable([...sectionRows, note, hostNote, ...rows]),
    serverRoot: "/srv",
    windowsPaths,
    knownElsewhere: (name) =>
      name === "MinSpareServers" ? "it belongs to mpm_prefork_module, which is not loaded" : undefined,
  });
}
