// What is a directive? A row of a table: what it is called, where it may stand, what it takes, what it does. Modules bring
// rows along; nothing else has to change for a new directive.

import type { Section } from "./matching.ts";
import type { HostAddress } from "./addresses.ts";
import type { Where } from "./errors.ts";
import type { MethodFilter } from "./limits.ts";
import type { Overrides } from "./overrides.ts";
import type { ConfigWarning } from "./read_options.ts";
import type { DirStore, ServerStore } from "./stores.ts";

/** Where a directive may stand. */
export type Context = "server config" | "virtual host" | "directory" | ".htaccess";

/** A class of directives that AllowOverride may allow in .htaccess files. */
export type OverrideClass = "AuthConfig" | "FileInfo" | "Indexes" | "Limit" | "Options";

/** What AllowOverride has to allow for a directive in .htaccess: one of these classes, or (All) any class. */
export type Override = OverrideClass | "All" | readonly OverrideClass[];

/** The number of arguments: exact, from-to, or the rest of the line as one string. */
export type Arity = number | readonly [min: number, max: number] | "raw";

/** What people are told of a directive: by messages, -L and docs/directives.md. */
export interface DirectiveFacts {
  /** As its users write it; of a section with its brackets: `<Location>`. Found whatever the case. */
  readonly name: string;
  readonly contexts: readonly Context[];
  /** The whole line. */
  readonly syntax: string;
  readonly help: string;
  /** The value in force where the configuration is silent, if it can be said in a word. */
  readonly default?: string;
  /** A directive without one is not allowed in .htaccess files, unless AllowOverrideList names it. */
  readonly override?: Override;
  /** What is not as in httpd, in whole sentences. */
  readonly differs?: string;
}

interface Row extends DirectiveFacts {
  readonly args: Arity;
  /** Minds the methods of a <Limit> around it; others hold for all methods there, and a warning says so. */
  readonly limitable?: boolean;
}

/** A directive of one line. */
export interface Directive extends Row {
  /** Puts the arguments into the stores of `to`. @throws ArgumentError */
  apply(args: readonly string[], to: Target, where: Where): void;
}

/** A directive with others in it, from `<Name>` to `</Name>`. */
export interface SectionDirective extends Row {
  /** The target of the directives in it. @throws ArgumentError */
  open(args: readonly string[], to: Target, where: Where): Target;
  /** All directives in it have been applied to `inner`, which open() has made. @throws ArgumentError */
  close?(inner: Target): void;
}

/** Anything that a directive table may hold. */
export type DirectiveRow = Directive | SectionDirective;

/** What the directives of one place of a configuration write to. */
export interface Target {
  readonly context: Context;
  /** The section around this place, as written without brackets; undefined outside of all sections. */
  readonly section?: string;
  /** The argument of that section: what its place is. */
  readonly place?: string;
  /** The directory that this place is about, with a slash at its end; undefined outside of one, and for patterns. */
  readonly directory?: string;
  /** Values of the virtual host, or of the main server. */
  readonly server: ServerStore;
  /** Values of this section; outside of sections, those of all places of the host. */
  readonly dir: DirStore;
  /** The ServerRoot in force, which relative names are below. */
  readonly serverRoot: string;
  /** File names are those of Windows: a backslash is a slash, upper and lower case are the same. */
  readonly windowsPaths: boolean;
  /** Of a <Limit> around this place; undefined: all methods. */
  readonly methods?: MethodFilter;
  /** What a .htaccess file may say; undefined elsewhere. */
  readonly overrides?: Overrides;
  /** For people: what is of no use, or is not what it seems. */
  readonly warnings: ConfigWarning[];
  /** What sections found here are added to; a list that is not there refuses its sections. */
  readonly opened: {
    readonly hosts?: HostDraft[];
    readonly directories?: Section[];
    readonly files?: Section[];
    readonly locations?: Section[];
    readonly ifs?: Section[];
  };
}

/** A virtual host while its section is applied. */
export interface HostDraft {
  readonly addresses: readonly HostAddress[];
  readonly where: Where;
  readonly target: Target;
}
