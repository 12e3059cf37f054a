// Does the file belong to this user? mod_authz_owner: Require file-owner.

import type { ServerModule } from "../../server/request/module.ts";
import { type AuthzProvider, NO_USER } from "../authz_core/requirement.ts";
import { ownerOf } from "./owner.ts";

export const ownerProviders: readonly AuthzProvider[] = [{
  name: "file-owner",
  parse: () => ({
    constant: false,
    test(exchange) {
      const { user } = exchange;
      return user === undefined ? NO_USER : ownerOf(exchange)?.user === user;
    },
  }),
}];

export const authzOwner: ServerModule = {
  name: "authz_owner_module",
  source: "mod_authz_owner.c",
  directives: [],
};
