// What was the server asked to do? The command line, with httpd's letters (mpm.md 16).

import { parseArgs } from "@std/cli";
import { DenoFlagReader, type DenoFlags } from "./deno_flags.ts";
import { type HttpdLevel, isHttpdLevel } from "./log/levels.ts";

/** Actions of -k. */
export const ACTIONS = ["start", "stop", "restart", "graceful", "graceful-stop"] as const;
export type Action = typeof ACTIONS[number];

/** What -D DUMP_... asks for, in the order in which it is printed. */
export const DUMPS = ["DUMP_VHOSTS", "DUMP_RUN_CFG", "DUMP_INCLUDES", "DUMP_CONFIG", "DUMP_MODULES"] as const;
export type Dump = typeof DUMPS[number];

/** What a command line says. */
export interface Options {
  /** -v, -V, -l, -L, -h, --help: print and exit. */
  readonly print: "version" | "settings" | "modules" | "directives" | "usage" | "help" | undefined;
  /** -t: check the configuration and exit. */
  readonly test: boolean;
  /** -S, -M and -D DUMP_...: print of the configuration, and exit. */
  readonly dumps: readonly Dump[];
  /** False: -T, no DocumentRoot is looked for. */
  readonly checksDocumentRoot: boolean;
  readonly action: Action | undefined;
  /** -d, -f as given. */
  readonly serverRoot: string | undefined;
  readonly configFile: string | undefined;
  /** -C and -c: directives before and after those of the files. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** -e: how much is said of the start. */
  readonly startupLevel: HttpdLevel;
  /** -E: the file that takes what is said of the start. */
  readonly startupLog: string | undefined;
  readonly defines: readonly string[];
  /** -X, -D DEBUG, -D ONE_PROCESS: without children. */
  readonly oneProcess: boolean;
  /** -D FOREGROUND, NO_DETACH and what means one process: -k start does not go into the background. */
  readonly foreground: boolean;
  /** --mpm NAME */
  readonly mpm: string | undefined;
  /** --listen [HOST:]PORT, for an application without a configuration file. */
  readonly listen: readonly string[];
  /** --spa: names that are not in the folder are the application's in its index.html. */
  readonly spa: boolean;
  /** --access-log: to standard output, without a configuration file. */
  readonly accessLog: boolean;
  /** --dev, --watch: exceptions are explained to clients. */
  readonly development: boolean;
  /** --https: with a certificate of a local authority, for development. */
  readonly https: boolean;
  /** --watch: a graceful restart when a file of the application or the configuration changes. */
  readonly watch: boolean;
  /** The application, or the folder, to serve. */
  readonly application: string | undefined;
  /** Options of Deno for the processes that load it. */
  readonly deno: DenoFlags;
  /** What follows the application: its own arguments (Deno.args). */
  readonly args: readonly string[];
}

/** A command line that makes no sense; usage is printed and the exit code is 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What -h and --help print. */
export const USAGE = `Usage: mpmd [-D name] [-d directory] [-f file]
            [-C "directive"] [-c "directive"]
            [-k start|restart|graceful|graceful-stop|stop]
            [-v] [-V] [-h] [-l] [-L] [-t] [-T] [-S] [-M] [-X] [--mpm name]
       mpmd [--listen [host:]port] [--mpm name] [--access-log] [--https] [--watch]
            [--dev] application.ts [argument ...]
       mpmd [--listen [host:]port] [--mpm name] [--access-log] [--https] [--spa]
            folder
       mpmd htpasswd|htdigest ...
Options:
  -D name            : define a name for use in <IfDefine name> directives
                       (FOREGROUND or NO_DETACH: -k start stays in the foreground;
                       ONE_PROCESS: serve without children)
  -d directory       : specify an alternate initial ServerRoot
  -f file            : specify an alternate ServerConfigFile
  -C "directive"     : process directive before reading config files
  -c "directive"     : process directive after reading config files
  -e level           : show startup errors of level (see LogLevel)
  -E file            : log startup errors to file
  -k action          : start in the background, or signal a running server
  -v, --version      : show version number
  -V                 : show compile settings
  -h, -?             : list available command line options (this page)
  --help             : the same, on standard output
  -l                 : list compiled in modules
  -L                 : list available configuration directives
  -t -D DUMP_VHOSTS  : show parsed vhost settings
  -t -D DUMP_RUN_CFG : show parsed run settings
  -S                 : a synonym for -t -D DUMP_VHOSTS -D DUMP_RUN_CFG
  -t -D DUMP_MODULES : show all loaded modules
  -M                 : a synonym for -t -D DUMP_MODULES
  -t -D DUMP_INCLUDES: show all included configuration files
  -t -D DUMP_CONFIG  : show the configuration as it was read
  -t                 : run syntax check for config files
  -T                 : start without DocumentRoot(s) check
  -X                 : debug mode (one process, do not detach)
  --mpm name         : choose the multi-processing module: prefork, worker, event,
                       mpm_winnt, mpm_netware or mpmt_os2
  --listen address   : listen here (with an application or a folder; default 8080)
  --access-log       : a line on standard output for each request
  --spa              : a single-page application: paths that are not in the folder
                       get its index.html when a browser navigates to them
  --https            : for development: TLS, with a certificate for localhost that
                       an authority of your own signs
  --watch            : for development: restart gracefully when a module of the
                       application, or a file of the configuration, changes
  --dev              : for development (--watch has it too): an exception of the
                       application is shown to the client, with source and stack
  application.ts     : serve a program: one with "export default { fetch }", or that
                       calls Deno.serve() or listen() of a server of node:http;
                       what follows is its own (Deno.args)
  --config file, --import-map file, --env-file[=file], --no-lock, --unstable-...,
  --allow-...[=list], --deny-...[=list]
                     : how Deno loads the application, and what it may do, as with
                       deno run
  --inspect[=[host:]port], --inspect-wait, --inspect-brk
                     : for development: a debugger of the application, which has one
                       thread then (default 127.0.0.1:9229)
  folder             : serve its files
  htpasswd, htdigest : write files of users (AuthUserFile); alone they say how
Without -k the server runs in the foreground. Examples:
  mpmd                        serve what conf/httpd.conf says
  mpmd -t -f my.conf          is that configuration right?
  mpmd ./app.ts               serve an application on http://localhost:8080/
  mpmd --watch ./app.ts       the same, and take over what changes
  mpmd --https ./app.ts       on https://localhost:8080/
  mpmd ./public               serve a folder
  mpmd -k graceful            take a changed configuration over, losing no request
`;

/** Letters that take a value, and those that do not. */
const VALUED = "DdfCceEk";
const FLAGS = "vVlLhtTSMX?";
const LONG_VALUED = ["mpm", "listen"];
const LONG_FLAGS = ["help", "version", "spa", "access-log", "https", "watch", "dev"];

/**
 * Options as getopt(3) takes them (`-DNAME`, `-vt`) become long ones, which parseArgs() tells apart from the first operand. It and
 * what follows are as they were: an application has options of its own.
 */
function withoutClusters(args: readonly string[], deno: DenoFlagReader): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (!arg.startsWith("-") || arg === "-" || arg === "--") return [...out, ...args.slice(i)];
    const taken = deno.read(args, i);
    if (taken > 0) {
      i += taken - 1;
      continue;
    }
    if (arg.startsWith("--")) {
      out.push(arg);
      if (LONG_VALUED.includes(arg.slice(2)) && i + 1 < args.length) out.push(args[++i]);
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at];
      if (FLAGS.includes(letter)) out.push(`--${letter}`);
      else if (!VALUED.includes(letter)) throw new UsageError(`illegal option -- ${letter}`);
      else {
        const value = arg.slice(at + 1) || args[++i];
        if (value === undefined) throw new UsageError(`option requires an argument -- ${letter}`);
        out.push(`--${letter}=${value}`);
        break;
      }
    }
  }
  return out;
}

/** Reads a command line; `program` is the application of a server that was compiled with one. @throws UsageError */
export function parseOptions(args: readonly string[], program?: string): Options {
  const strings = [...VALUED, ...LONG_VALUED];
  const deno = new DenoFlagReader();
  const parsed = parseArgs(withoutClusters(args, deno), {
    string: strings,
    boolean: [...FLAGS, ...LONG_FLAGS],
    collect: strings,
    stopEarly: true,
    unknown: (arg, key) => {
      if (key !== undefined || arg.startsWith("-")) throw new UsageError(`illegal option -- ${arg}`);
      return true;
    },
  });
  const given = (name: string) => list(parsed[name], name);
  const operands = parsed._.map(String);
  const [application, ...rest] = program === undefined ? operands : [program, ...operands];
  if (program !== undefined && parsed.watch === true) {
    throw new UsageError("--watch: this application was compiled, and does not change");
  }
  const defines = [
    ...parsed.S ? ["DUMP_VHOSTS", "DUMP_RUN_CFG"] : [],
    ...parsed.M ? ["DUMP_MODULES"] : [],
    ...parsed.X ? ["DEBUG"] : [],
    ...given("D"),
  ];
  const oneProcess = defines.includes("DEBUG") || defines.includes("ONE_PROCESS");
  return {
    print: printed(parsed),
    test: parsed.t === true,
    dumps: DUMPS.filter((dump) => defines.includes(dump)),
    checksDocumentRoot: parsed.T !== true,
    action: parseAction(once(given("k"), "k")),
    serverRoot: given("d").at(-1),
    configFile: given("f").at(-1),
    before: given("C"),
    after: given("c"),
    startupLevel: parseLevel(given("e").at(-1)),
    startupLog: given("E").at(-1),
    defines,
    oneProcess,
    foreground: oneProcess || defines.includes("FOREGROUND") || defines.includes("NO_DETACH"),
    mpm: once(given("mpm"), "mpm"),
    listen: given("listen"),
    spa: parsed.spa === true,
    accessLog: parsed["access-log"] === true,
    development: parsed.dev === true || parsed.watch === true,
    https: parsed.https === true,
    watch: parsed.watch === true,
    application,
    deno: deno.result,
    args: rest,
  };
}

function printed(parsed: Readonly<Record<string, unknown>>): Options["print"] {
  if (parsed.help) return "help";
  if (parsed.h || parsed["?"]) return "usage";
  if (parsed.v || parsed.version) return "version";
  if (parsed.V) return "settings";
  if (parsed.l) return "modules";
  return parsed.L ? "directives" : undefined;
}

function list(value: unknown, name: string): string[] {
  const values = value === undefined ? [] : [value].flat().map(String);
  if (values.includes("")) throw new UsageError(`option requires an argument -- ${name}`);
  return values;
}

function once(values: readonly string[], name: string): string | undefined {
  if (values.length > 1) throw new UsageError(`option given more than once -- ${name}`);
  return values[0];
}

function parseAction(word: string | undefined): Action | undefined {
  const action = ACTIONS.find((known) => known === word);
  if (word !== undefined && action === undefined) throw new UsageError(`illegal option -- k ${word}`);
  return action;
}

function parseLevel(word = "warn"): HttpdLevel {
  const level = word.toLowerCase();
  if (!isHttpdLevel(level)) throw new UsageError(`illegal option -- e ${word}: no level of LogLevel`);
  return level;
}
