// How are file names joined and taken apart? `@std/path`, taken from npm:deno-std, which ships no types: they are declared here.

import { basename as basenameJs } from "npm:deno-std@1.4.0/path/basename.js";
import { dirname as dirnameJs } from "npm:deno-std@1.4.0/path/dirname.js";
import { extname as extnameJs } from "npm:deno-std@1.4.0/path/extname.js";
import { fromFileUrl as fromFileUrlJs } from "npm:deno-std@1.4.0/path/from_file_url.js";
import { globToRegExp as globToRegExpJs } from "npm:deno-std@1.4.0/path/glob_to_regexp.js";
import { isAbsolute as isAbsoluteJs } from "npm:deno-std@1.4.0/path/is_absolute.js";
import { isGlob as isGlobJs } from "npm:deno-std@1.4.0/path/is_glob.js";
import { join as joinJs } from "npm:deno-std@1.4.0/path/join.js";
import { resolve as resolveJs } from "npm:deno-std@1.4.0/path/resolve.js";
import { toFileUrl as toFileUrlJs } from "npm:deno-std@1.4.0/path/to_file_url.js";

/** The last component of `path`. */
export const basename: (path: string, suffix?: string) => string = basenameJs;

/** All but the last component of `path`. */
export const dirname: (path: string) => string = dirnameJs;

/** The extension of `path` with its dot, or "". */
export const extname: (path: string) => string = extnameJs;

/** The path that a file: URL names. */
export const fromFileUrl: (url: string | URL) => string = fromFileUrlJs;

/** A regular expression that matches what the glob matches. */
export const globToRegExp: (glob: string, options?: { extended?: boolean; globstar?: boolean }) => RegExp =
  globToRegExpJs;

/** True when `path` does not depend on the current directory. */
export const isAbsolute: (path: string) => boolean = isAbsoluteJs;

/** True when `path` has glob characters. */
export const isGlob: (path: string) => boolean = isGlobJs;

/** `paths` joined by the system's separator and normalised. */
export const join: (...paths: string[]) => string = joinJs;

/** The absolute path that `paths` name, taken from right to left. */
export const resolve: (...paths: string[]) => string = resolveJs;

/** The file: URL of an absolute path. */
export const toFileUrl: (path: string) => URL = toFileUrlJs;
