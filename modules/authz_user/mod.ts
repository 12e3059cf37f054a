// Is it one of these users? mod_authz_user: Require user and Require valid-user.

import { ArgumentError, words } from "../../server/config/mod.ts";
import { evaluateString, explained, parseString } from "../../server/config/expression/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { type AuthzProvider, NO_USER } from "../authz_core/requirement.ts";

export const userProviders: readonly AuthzProvider[] = [{
  name: "user",
  parse(_args, rest) {
    if (rest === "") throw new ArgumentError("'Require user' requires an argument");
    const text = explained("Cannot parse expression in require line", () => parseString(rest));
    return {
      constant: false,
      test(exchange) {
        const { user } = exchange;
        return user === undefined ? NO_USER : words(evaluateString(text, exchange.subject)).includes(user);
      },
    };
  },
}, {
  name: "valid-user",
  parse: () => ({ constant: false, test: ({ user }) => user === undefined ? NO_USER : true }),
}];

export const authzUser: ServerModule = {
  name: "authz_user_module",
  source: "mod_authz_user.c",
  directives: [],
};
