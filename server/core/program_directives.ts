// What are programs told of a request, and how much may they use? CGIPassAuth and CGIVar, for CGI programs and backends of its family;
// RLimitCPU, RLimitMEM and RLimitNPROC for programs that this server starts.

import { ArgumentError, type Context, type Directive, dirKey, flag, oneOf } from "../config/mod.ts";
import { DIR } from "./rows.ts";

const PLACES: readonly Context[] = ["directory", ".htaccess"];

/** What they are told; undefined: as around the place, then no. */
interface ProgramVariables {
  passesAuthorization?: boolean;
  /** REQUEST_URI is where the request has led to within the server. */
  currentUri?: boolean;
}

/** The key of that. */
export const programVariables = dirKey<ProgramVariables>("program variables", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** A limit of a program: soft and hard; Infinity: none of ours. */
export interface ProgramLimit {
  readonly soft: number;
  readonly hard: number;
}

/** Limits of programs; undefined: those of the server. */
export interface ProgramLimits {
  /** Seconds of processor time. */
  cpu?: ProgramLimit;
  /** Bytes of address space. */
  memory?: ProgramLimit;
  /** Processes of the user. */
  processes?: ProgramLimit;
}

/** Their key. */
export const programLimits = dirKey<ProgramLimits>("program limits", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** A number, or `max`: as much as the server may have. @throws ArgumentError */
function amount(name: string, arg: string): number {
  if (arg.toLowerCase() === "max") return Infinity;
  if (/^\d{1,15}$/.test(arg)) return Number(arg);
  throw new ArgumentError(`${name} must be a number or max, not "${arg}"`);
}

function limitRow(name: string, key: keyof ProgramLimits, unit: string, help: string): Directive {
  return {
    name,
    contexts: DIR,
    args: [1, 2],
    syntax: `${name} ${unit}|max [${unit}|max]`,
    help,
    override: "All",
    differs: "Linux only. The limit is set as soon as the program has started.",
    apply(args, to) {
      const [soft, hard = soft] = args.map((arg) => amount(name, arg));
      to.dir.get(programLimits)[key] = { soft, hard };
    },
  };
}

/** The rows. */
export const programDirectives: readonly Directive[] = [
  {
    name: "CGIPassAuth",
    contexts: PLACES,
    args: 1,
    syntax: "CGIPassAuth On|Off",
    help: "Whether programs get the Authorization field, as HTTP_AUTHORIZATION",
    default: "Off",
    override: "AuthConfig",
    apply([word], to) {
      to.dir.get(programVariables).passesAuthorization = flag(word);
    },
  },
  {
    name: "CGIVar",
    contexts: PLACES,
    args: 2,
    syntax: "CGIVar REQUEST_URI original-uri|current-uri",
    help: "Whether REQUEST_URI is what the client asked for, or where that has led to within the server",
    default: "REQUEST_URI original-uri",
    override: "FileInfo",
    apply([name, rule], to) {
      oneOf(name, ["REQUEST_URI"]);
      to.dir.get(programVariables).currentUri =
        oneOf(rule, ["original-uri", "current-uri"]) === "current-uri";
    },
  },
  limitRow("RLimitCPU", "cpu", "seconds", "Processor time of each program: soft limit, hard limit"),
  limitRow("RLimitMEM", "memory", "bytes", "Memory of each program: soft limit, hard limit"),
  limitRow(
    "RLimitNPROC",
    "processes",
    "number",
    "Processes of the user that a program may make: soft limit, hard limit",
  ),
];
