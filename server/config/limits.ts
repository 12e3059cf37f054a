// Which methods do directives hold for? <Limit> and <LimitExcept>.

import type { Context, SectionDirective } from "./directives.ts";
import { ArgumentError } from "./errors.ts";

/** The methods of a <Limit>; with `except` all others. HEAD goes with GET. */
export interface MethodFilter {
  readonly methods: ReadonlySet<string>;
  readonly except: boolean;
}

/** True when what stands under `filter` holds for requests of `method`. */
export function holdsFor(filter: MethodFilter | undefined, method: string): boolean {
  if (filter === undefined) return true;
  return filter.methods.has(method === "HEAD" ? "GET" : method) !== filter.except;
}

const PLACES: readonly Context[] = ["directory", ".htaccess"];

function limitRow(name: string, except: boolean): SectionDirective {
  return {
    name: `<${name}>`,
    contexts: PLACES,
    args: [1, Infinity],
    syntax: `<${name} method [method] ...>`,
    help: `Access control for ${except ? "all methods but some" : "some methods"}`,
    override: ["Limit", "AuthConfig"],
    open(args, to) {
      if (to.methods !== undefined || /^Require/i.test(to.section ?? "")) {
        throw new ArgumentError(`<${name}> cannot occur within <${to.section}> section`);
      }
      if (args.includes("TRACE")) {
        throw new ArgumentError(`TRACE cannot be controlled by <${name}>, see TraceEnable`);
      }
      const methods = new Set(args.map((method) => method === "HEAD" ? "GET" : method));
      return { ...to, section: name, methods: { methods, except }, opened: {} };
    },
  };
}

/** The two rows. */
export const limitRows: readonly SectionDirective[] = [
  limitRow("Limit", false),
  limitRow("LimitExcept", true),
];
