// Is this request allowed? mod_authz_core: the Require directives, what they say when sections meet, and 403 for whom they refuse.

import {
  ArgumentError,
  type Directive,
  type DirectiveRow,
  dirKey,
  flag,
  getWord,
  oneOf,
  type SectionDirective,
  type Target,
  words,
} from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { type Access, deniedByConfiguration, USER_WANTED } from "../../server/request/access.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { authnDir } from "../authn_core/settings.ts";
import { coreProviders } from "./providers.ts";
import {
  type Authorization,
  authorize,
  type AuthzProvider,
  type Group,
  isConstant,
  makeGroup,
  mergeAuthorization,
  NO_USER,
  type Outcome,
} from "./requirement.ts";

const authzDir = dirKey<Authorization>("authz_core", {
  create: () => ({ root: undefined, merging: undefined, forbids: undefined, open: [] }),
  merge: mergeAuthorization,
});

const PLACES = ["directory", ".htaccess"] as const;

/** The group that a Require line of `to` belongs to. */
function groupOf(to: Target): Group {
  const settings = to.dir.get(authzDir);
  return settings.open.at(-1) ?? (settings.root ??= makeGroup("any"));
}

/** As the configuration has it. */
function nameOf({ logic, negated }: Group): string {
  return `<Require${logic === "all" ? "All" : negated ? "None" : "Any"}>`;
}

function requireRow(providers: ReadonlyMap<string, AuthzProvider>): Directive {
  return {
    name: "Require",
    contexts: PLACES,
    args: "raw",
    syntax: "Require [not] entity-name [entity-name] ...",
    help: "Tests whether a client may have a resource",
    override: "AuthConfig",
    limitable: true,
    apply([raw], to) {
      const first = getWord(raw);
      const negated = first.word.toLowerCase() === "not";
      const { word: name, rest } = negated ? getWord(first.rest) : first;
      const provider = providers.get(name.toLowerCase());
      if (provider === undefined) throw new ArgumentError(`Unknown Authz provider: ${name}`);
      const check = provider.parse(words(rest), rest);
      const group = groupOf(to);
      if (negated && group.logic === "any") {
        throw new ArgumentError(`negative Require directive has no effect in ${nameOf(group)} directive`);
      }
      group.of.push({ kind: "line", negated, methods: to.methods, check });
    },
  };
}

function groupRow(name: string, logic: Group["logic"], negated: boolean, help: string): SectionDirective {
  return {
    name: `<${name}>`,
    contexts: PLACES,
    args: 0,
    syntax: `<${name}>`,
    help,
    override: "AuthConfig",
    limitable: true,
    open(_args, to) {
      to.dir.get(authzDir).open.push(makeGroup(logic, negated));
      return { ...to, section: name, opened: {} };
    },
    close(inner) {
      const group = inner.dir.get(authzDir).open.pop()!;
      if (group.of.length === 0) {
        throw new ArgumentError(`${nameOf(group)} directive contains no authorization directives`);
      }
      if (group.of.every((part) => part.negated)) {
        throw new ArgumentError(
          `${nameOf(group)} directive contains only negative authorization directives`,
        );
      }
      const around = groupOf(inner);
      if (negated && around.logic === "any") {
        throw new ArgumentError(`${nameOf(group)} directive has no effect in ${nameOf(around)} directive`);
      }
      around.of.push(group);
    },
  };
}

const authMerging: Directive = {
  name: "AuthMerging",
  contexts: PLACES,
  args: 1,
  syntax: "AuthMerging Off|And|Or",
  help: "How Require lines go with those of the sections merged before",
  default: "Off",
  override: "AuthConfig",
  apply([word], to) {
    to.dir.get(authzDir).merging = oneOf(word, ["off", "and", "or"] as const);
  },
};

const sendForbidden: Directive = {
  name: "AuthzSendForbiddenOnFailure",
  contexts: PLACES,
  args: 1,
  syntax: "AuthzSendForbiddenOnFailure On|Off",
  help: "Whether a user who is known and may not have a resource gets 403 rather than another chance (401)",
  default: "Off",
  override: "AuthConfig",
  apply([word], to) {
    to.dir.get(authzDir).forbids = flag(word);
  },
};

function rowsWith(providers: readonly AuthzProvider[]): readonly DirectiveRow[] {
  return [
    requireRow(new Map(providers.map((provider) => [provider.name, provider]))),
    groupRow("RequireAll", "all", false, "Requirements of which none may fail and at least one must hold"),
    groupRow("RequireAny", "any", false, "Requirements of which one must hold"),
    groupRow("RequireNone", "any", true, "Requirements of which none may hold"),
    authMerging,
    sendForbidden,
  ];
}

function authChecker(exchange: Exchange): Access | typeof USER_WANTED {
  const { root, forbids } = exchange.dir.get(authzDir);
  if (root === undefined) return undefined;
  if (!isConstant(root)) exchange.dependsOn = "request";
  const outcome = authorize(root, exchange);
  if (outcome === "granted") return undefined;
  if (outcome instanceof Promise) return outcome;
  const { user } = exchange;
  if (user === undefined || exchange.dir.get(authnDir).type === undefined) {
    return outcome === NO_USER ? USER_WANTED : deniedByConfiguration("authz_core", "AH01630", exchange);
  }
  return failure(exchange, outcome, forbids === true);
}

/** The refusal of a user who is known: another one may be let in. */
function failure(exchange: Exchange, outcome: Outcome, forbids: boolean): Access {
  const { path, user } = exchange;
  const reason = outcome === NO_USER
    ? { ah: "AH01629", message: `authorization failure (no authenticated user): ${path}` }
    : { ah: "AH01631", message: `user ${user}: authorization failure for "${path}": ` };
  if (forbids && outcome !== NO_USER) return { status: 403, module: "authz_core", ...reason };
  return { status: 401, module: "authz_core", ...reason, challenges: true };
}

/** The module; `providers` are those of other modules. */
export function authzCore(providers: readonly AuthzProvider[]): ServerModule {
  return {
    name: "authz_core_module",
    source: "mod_authz_core.c",
    directives: rowsWith([...coreProviders, ...providers]),
    hooks: () => ({ authChecker }),
  };
}
