// Which providers does a place ask? What AuthBasicProvider and AuthDigestProvider have in common.

import {
  ConfigError,
  type Directive,
  type DirKey,
  type ServerConfig,
  type Where,
} from "../../server/config/mod.ts";

/** The part of a place's settings that names its providers. */
export interface Providers {
  /** In order, in lower case; empty: none is named. */
  providers: readonly string[];
  /** The line that names them. */
  where: Where | undefined;
}

/** Who is asked where a place names nobody. */
const BY_DEFAULT = ["file"];

export const namedProviders = ({ providers }: Providers): readonly string[] =>
  providers.length > 0 ? providers : BY_DEFAULT;

export const noProviders = (): Providers => ({ providers: [], where: undefined });

/** Those of the inner place, unless it names none. */
export function mergeProviders(base: Providers, over: Providers): Providers {
  const { providers, where } = over.providers.length > 0 ? over : base;
  return { providers, where };
}

/** The row of the directive `name`, whose names go to the settings of `key`. */
export function providersDirective(name: string, key: DirKey<Providers>): Directive {
  return {
    name,
    contexts: ["directory", ".htaccess"],
    args: [1, Infinity],
    syntax: `${name} provider-name [provider-name] ...`,
    help: "Who knows the users of this place",
    default: "file",
    override: "AuthConfig",
    apply(names, to, where) {
      const settings = to.dir.get(key);
      settings.providers = names.map((provider) => provider.toLowerCase());
      settings.where = where;
    },
  };
}

/** Every name that `key` has must be good. `objection` says what is wrong with one, or undefined. @throws ConfigError */
export function checkProviders(
  config: ServerConfig,
  key: DirKey<Providers>,
  directive: string,
  objection: (provider: string) => string | undefined,
): void {
  for (const store of config.allDirStores()) {
    const { providers, where } = store.get(key);
    if (where === undefined) continue;
    for (const provider of providers) {
      const wrong = objection(provider);
      if (wrong !== undefined) throw new ConfigError(where, wrong, directive);
    }
  }
}
