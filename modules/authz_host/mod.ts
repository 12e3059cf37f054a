// Where does a request come from? mod_authz_host: what Require asks of the client's address and its name.

import { ArgumentError, inSubnet, parseSubnet, words } from "../../server/config/mod.ts";
import { evaluateString, explained, parseString } from "../../server/config/expression/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import type { AuthzProvider, Check } from "../authz_core/requirement.ts";
import { hostAddresses, hostName, isInDomain } from "./host_names.ts";

const client = (exchange: Exchange): string => exchange.client.address;

/** A check of the words that `rest`, which may have variables in it, makes of a request. */
function ofWords(
  name: string,
  rest: string,
  test: (words: readonly string[], exchange: Exchange) => boolean | Promise<unknown>,
): Check {
  if (rest === "") throw new ArgumentError(`'Require ${name}' requires an argument`);
  const text = explained("Cannot parse expression in require line", () => parseString(rest));
  return {
    constant: false,
    // What follows a # is no name: somebody meant a comment.
    test: (exchange) => test(words(evaluateString(text, exchange.subject).split("#")[0]), exchange),
  };
}

/** The providers of mod_authz_host. */
export const hostProviders: readonly AuthzProvider[] = [{
  name: "ip",
  parse(args) {
    if (args.length === 0) throw new ArgumentError("'require ip' requires an argument");
    const subnets = args.map(parseSubnet);
    return {
      constant: false,
      test: (exchange) => subnets.some((subnet) => inSubnet(client(exchange), subnet)),
    };
  },
}, {
  name: "host",
  parse: (_args, rest) =>
    ofWords("host", rest, (domains, exchange) => {
      const name = hostName(client(exchange));
      if (name instanceof Promise) return name;
      return name !== null && domains.some((domain) => isInDomain(name, domain));
    }),
}, {
  name: "forward-dns",
  parse: (_args, rest) =>
    ofWords("forward-dns", rest, (names, exchange) => {
      for (const name of names) {
        const addresses = hostAddresses(name);
        if (addresses instanceof Promise) return addresses;
        if (addresses.includes(client(exchange))) return true;
      }
      return false;
    }),
}, {
  name: "local",
  parse(args) {
    if (args.length > 0) throw new ArgumentError("'Require local' takes no arguments");
    const subnets = ["127.0.0.0/8", "::1"].map(parseSubnet);
    return {
      constant: false,
      test: (exchange) =>
        client(exchange) === exchange.transport.local.address ||
        subnets.some((subnet) => inSubnet(client(exchange), subnet)),
    };
  },
}];

export const authzHost: ServerModule = {
  name: "authz_host_module",
  source: "mod_authz_host.c",
  directives: [],
};
