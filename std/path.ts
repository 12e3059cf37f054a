// How are file names joined and taken apart? `@std/path`, taken from Deno's own node:path: a package of npm makes Deno load the whole of
// its npm support, which every server thread would pay for with 2 MB and 15 ms.

import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export { basename, dirname, extname, isAbsolute, join, resolve };

/** The path that a file: URL names. */
export const fromFileUrl: (url: string | URL) => string = fileURLToPath;

/** The file: URL of an absolute path. */
export const toFileUrl: (path: string) => URL = pathToFileURL;
