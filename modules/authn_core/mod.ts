// Is anybody asked who they are? mod_authn_core: AuthType and AuthName, and the answer where nothing here knows an AuthType.

import type { Directive } from "../../server/config/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { authnDir } from "./settings.ts";

const PLACES = ["directory", ".htaccess"] as const;

const directives: readonly Directive[] = [{
  name: "AuthType",
  contexts: PLACES,
  args: 1,
  syntax: "AuthType None|Basic|Digest",
  help: "How users tell who they are",
  override: "AuthConfig",
  apply([type], to) {
    const settings = to.dir.get(authnDir);
    settings.typed = true;
    settings.type = type.toLowerCase() === "none" ? undefined : type;
  },
}, {
  name: "AuthName",
  contexts: PLACES,
  args: 1,
  syntax: "AuthName auth-domain",
  help: "What users are told that they have to authenticate for: the realm",
  override: "AuthConfig",
  apply([name], to) {
    to.dir.get(authnDir).name = name;
  },
}];

export const authnCore: ServerModule = {
  name: "authn_core_module",
  source: "mod_authn_core.c",
  directives,
  hooks: () => ({
    userChecker(exchange) {
      const { type } = exchange.dir.get(authnDir);
      if (type === undefined) return undefined;
      return {
        status: 500,
        module: "authn_core",
        ah: "AH01796",
        message: `AuthType ${type} configured without corresponding module`,
      };
    },
  }),
};
