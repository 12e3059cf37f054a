// Is this request allowed, as configurations from before httpd 2.4 say it? mod_access_compat: Order, Allow, Deny and Satisfy.

import {
  ArgumentError,
  type Directive,
  dirKey,
  holdsFor,
  inSubnet,
  type MethodFilter,
  oneOf,
  parseSubnet,
} from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { type Access, deniedByConfiguration } from "../../server/request/access.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { hostName, isInDomain } from "../authz_host/host_names.ts";

/** Who is meant: false or true of a request, or a promise: ask again when it has settled. */
type Whom = (exchange: Exchange) => boolean | Promise<unknown>;

/** A value for some methods. */
interface For<T> {
  readonly methods: MethodFilter | undefined;
  readonly value: T;
}

interface Compat {
  /** Any directive of this module: a section with one stands for itself, nothing is taken over into it. */
  used: boolean;
  readonly order: For<Order>[];
  readonly satisfy: For<"all" | "any">[];
  readonly allow: For<Whom>[];
  readonly deny: For<Whom>[];
  constant: boolean;
}

const ORDERS = ["allow,deny", "deny,allow", "mutual-failure"] as const;
type Order = typeof ORDERS[number];

const compatDir = dirKey<Compat>("access_compat", {
  create: () => ({ used: false, order: [], satisfy: [], allow: [], deny: [], constant: true }),
  merge: (base, over) => over.used ? over : base,
});

const PLACES = ["directory", ".htaccess"] as const;

function whom(text: string): { test: Whom; constant: boolean } {
  const lower = text.toLowerCase();
  if (lower === "all") return { test: () => true, constant: true };
  if (lower.startsWith("env=")) {
    const negated = text[4] === "!";
    const name = text.slice(negated ? 5 : 4);
    return { test: ({ environment }) => (environment?.has(name) === true) !== negated, constant: false };
  }
  if (/^[\d.]+(?:\/|$)|:|\//.test(text)) {
    const subnet = parseSubnet(text);
    return { test: ({ client }) => inSubnet(client.address, subnet), constant: false };
  }
  if (text.includes("#")) throw new ArgumentError("No comments are allowed here");
  const test: Whom = ({ client }) => {
    const name = hostName(client.address);
    return name instanceof Promise ? name : name !== null && isInDomain(name, text);
  };
  return { test, constant: false };
}

function listRow(name: "Allow" | "Deny", list: "allow" | "deny"): Directive {
  return {
    name,
    contexts: PLACES,
    args: [2, Infinity],
    syntax: `${name} from all|host|env=[!]variable [host|env=[!]variable] ...`,
    help: `Which clients ${list === "allow" ? "may" : "may not"} have a resource`,
    override: "Limit",
    limitable: true,
    apply([from, ...clients], to) {
      if (from.toLowerCase() !== "from") throw new ArgumentError("allow and deny must be followed by 'from'");
      const compat = to.dir.get(compatDir);
      compat.used = true;
      for (const text of clients) {
        const { test, constant } = whom(text);
        compat[list].push({ methods: to.methods, value: test });
        compat.constant &&= constant;
      }
    },
  };
}

const directives: readonly Directive[] = [
  {
    name: "Order",
    contexts: PLACES,
    args: 1,
    syntax: "Order Deny,Allow|Allow,Deny|Mutual-failure",
    help: "Which of Allow and Deny has the last word, and what holds for clients of neither",
    default: "Deny,Allow",
    override: "Limit",
    limitable: true,
    apply([word], to) {
      const compat = to.dir.get(compatDir);
      compat.used = true;
      compat.order.push({ methods: to.methods, value: oneOf(word, ORDERS) });
    },
  },
  listRow("Allow", "allow"),
  listRow("Deny", "deny"),
  {
    name: "Satisfy",
    contexts: PLACES,
    args: 1,
    syntax: "Satisfy Any|All",
    help: "Whether Allow and Require must both let a client pass, or one of them",
    default: "All",
    override: "AuthConfig",
    limitable: true,
    apply([word], to) {
      const compat = to.dir.get(compatDir);
      compat.used = true;
      compat.satisfy.push({ methods: to.methods, value: oneOf(word, ["all", "any"] as const) });
    },
  },
];

/** The last value that was given for the method of a request. */
function valueFor<T>(values: readonly For<T>[], { method }: Exchange): T | undefined {
  return values.findLast(({ methods }) => holdsFor(methods, method))?.value;
}

/** True when the request is in the list; a promise: ask again when it has settled. */
function isIn(list: readonly For<Whom>[], exchange: Exchange): boolean | Promise<unknown> {
  for (const { methods, value } of list) {
    if (!holdsFor(methods, exchange.method)) continue;
    const found = value(exchange);
    if (found !== false) return found;
  }
  return false;
}

function accessChecker(exchange: Exchange): Access {
  const compat = exchange.dir.get(compatDir);
  if (!compat.used) return undefined;
  if (!compat.constant) exchange.dependsOn = "request";
  const allowed = isIn(compat.allow, exchange);
  if (allowed instanceof Promise) return allowed;
  const denied = isIn(compat.deny, exchange);
  if (denied instanceof Promise) return denied;
  const order = valueFor(compat.order, exchange) ?? "deny,allow";
  const passes = order === "deny,allow" ? allowed || !denied : allowed && !denied;
  return passes ? undefined : deniedByConfiguration("access_compat", "AH01797", exchange);
}

export const accessCompat: ServerModule = {
  name: "access_compat_module",
  source: "mod_access_compat.c",
  directives,
  hooks: () => ({
    accessChecker,
    satisfies: (exchange) => valueFor(exchange.dir.get(compatDir).satisfy, exchange),
  }),
};
