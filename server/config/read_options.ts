// What does reading a configuration need, and what comes of it? The two types, without the reader.

import type { Where } from "./errors.ts";
import type { ConfigFiles } from "./files.ts";
import type { ConfigNode } from "./grammar.ts";

/** What the reader is given. */
export interface ReadOptions {
  readonly files: ConfigFiles;
  /** Until a ServerRoot line says otherwise; absolute. */
  readonly serverRoot: string;
  /** The main file, absolute; undefined: `before` and `after` are all there is. */
  readonly file?: string;
  /** The directives of -C and of -c. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** The names of -D. */
  readonly defines?: readonly string[];
  /** What another configuration has defined (ConfigTree.defines): it holds here too. */
  readonly inherited?: readonly (readonly [name: string, value: string | undefined])[];
  /** A .htaccess file is read: what is for the whole server is refused. */
  readonly htaccess?: boolean;
  /** The environment, for `${NAME}`. */
  readonly environment: (name: string) => string | undefined;
  /** What <IfVersion> compares with, such as "2.4.66". */
  readonly version: string;
  /** Carries a LoadModule line out; `serverRoot` is what holds there. @throws ArgumentError if it cannot */
  readonly loadModule: (id: string, file: string, where: Where, serverRoot: string) => void;
  /** Is there a module of this identifier (`x_module`) or source name (`mod_x.c`)? Loaded up to this line. */
  readonly hasModule: (name: string) => boolean;
  /** Is there such a directive, or section if the name is `<Name>`? Those of the reader itself are not asked for. */
  readonly hasDirective: (name: string) => boolean;
}

/** A file that was read, for DUMP_INCLUDES. */
export interface IncludedFile {
  readonly file: string;
  /** Where it was included; undefined for the main file. */
  readonly includedAt?: Where;
  /** 0 for the main file. */
  readonly depth: number;
}

/** Something odd that does not keep the server from starting. */
export interface ConfigWarning extends Where {
  readonly message: string;
}

/** What was read; plain data. */
export interface ConfigTree {
  readonly nodes: readonly ConfigNode[];
  readonly serverRoot: string;
  /** -D and Define, in order; undefined: a name without a value. */
  readonly defines: readonly (readonly [name: string, value: string | undefined])[];
  /** In the order of reading. */
  readonly includes: readonly IncludedFile[];
  readonly warnings: readonly ConfigWarning[];
}
