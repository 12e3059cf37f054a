// How does the configuration name other servers? The directives of mod_proxy.

import {
  ArgumentError,
  compileGlob,
  compileRegex,
  type Context,
  type Directive,
  type DirectiveRow,
  flag,
  integer,
  oneOf,
  type SectionDirective,
  Store,
  type Target,
  timeInterval,
} from "../../server/config/mod.ts";
import { backendUrl, type Mapping, type ProxyHost, proxyHost, proxyPlace, type Reverse } from "./config.ts";
import { readBalancerValue, readWorkerValue } from "./parameters.ts";

const HOST: readonly Context[] = ["server config", "virtual host"];
const ANYWHERE: readonly Context[] = [...HOST, "directory"];

/** Where a <Location> or <LocationMatch> begins; undefined elsewhere. */
function locationOf(to: Target): { readonly path: string; readonly regex: boolean } | undefined {
  if (to.section !== "Location" && to.section !== "LocationMatch") return undefined;
  const pattern = to.place ?? "/";
  return { path: pattern, regex: to.section === "LocationMatch" };
}

/** The backend of `text`, named from now on; `values` are read into it. @throws ArgumentError */
function defineWorker(to: Target, text: string, values: readonly string[]): void {
  const host = to.server.get(proxyHost);
  if (/^balancer:/i.test(text)) {
    defineBalancer(to, text, values);
    return;
  }
  // What a pattern puts in is not part of the name.
  const plain = text.replace(/\$\d.*$/s, "");
  let url;
  try {
    url = backendUrl(plain);
  } catch (error) {
    // A host that the pattern or a variable puts in: such a backend is known when it is asked.
    if (values.length === 0 && error instanceof ArgumentError && (plain !== text || text.includes("${"))) {
      return;
    }
    throw error;
  }
  const key = plain.replace(/\/+$/, "");
  const known = host.workers.get(key);
  const worker = known ?? { url, values: {} };
  for (const value of values) readWorkerValue(worker.values, value);
  if (known === undefined) host.workers = new Map([...host.workers, [key, worker]]);
}

/** The name in `balancer://name[/path]`. */
export function balancerName(text: string): string {
  const [, name] = /^balancer:\/\/([^/]*)/i.exec(text) ?? [];
  if (name === undefined || name === "") throw new ArgumentError(`Unable to parse URL: ${text}`);
  return name.toLowerCase();
}

function defineBalancer(to: Target, text: string, values: readonly string[]) {
  const host = to.server.get(proxyHost);
  const name = balancerName(text);
  const balancer = host.balancers.get(name) ?? { name, members: [], values: {} };
  for (const value of values) readBalancerValue(balancer.values, value);
  if (!host.balancers.has(name)) host.balancers = new Map([...host.balancers, [name, balancer]]);
  return balancer;
}

/** Words behind the URL: nocanon, interpolate, noquery and parameters. */
function splitOptions(words: readonly string[]) {
  const has = (word: string) => words.some((each) => each.toLowerCase() === word);
  return {
    noCanon: has("nocanon"),
    interpolate: has("interpolate"),
    noQuery: has("noquery"),
    values: words.filter((word) => !/^(?:nocanon|interpolate|noquery)$/i.test(word)),
  };
}

function passRow(name: string, match: boolean): Directive {
  return {
    name,
    contexts: ANYWHERE,
    args: [1, Infinity],
    syntax: `${name} ${match ? "[regex]" : "[path]"} !|url [key=value ...] [nocanon] [interpolate] [noquery]`,
    help: match
      ? "As ProxyPass, for paths that a regular expression matches"
      : "What is below a path is another server's",
    apply(args, to) {
      const location = locationOf(to);
      if (to.context === "directory" && location === undefined) {
        throw new ArgumentError(`${name} can only be used in a <Location> section, or outside of sections`);
      }
      if (location === undefined && args.length < 2) {
        throw new ArgumentError(`${name} needs a path and a URL`);
      }
      const [url, ...rest] = location === undefined ? args.slice(1) : args;
      if (location !== undefined && (/^\^/.test(url) || (url.startsWith("/") && rest.length > 0))) {
        throw new ArgumentError(`${name} takes no path in a <Location> section, which is its path`);
      }
      const { noCanon, interpolate, noQuery, values } = splitOptions(rest);
      const path = location?.path ?? args[0];
      const regex = match || location?.regex === true;
      if (url !== "!") defineWorker(to, url, values);
      const mapping: Mapping = {
        from: regex ? compileRegex(path) : path,
        to: url,
        noCanon,
        interpolate,
        noQuery,
      };
      if (location !== undefined) to.dir.get(proxyPlace).mapping = mapping;
      else {
        const host = to.server.get(proxyHost);
        host.mappings = [...host.mappings, mapping];
      }
    },
  };
}

function reverseRow(
  name: string,
  list: "reverse" | "cookieDomains" | "cookiePaths",
  syntax: string,
  help: string,
): Directive {
  return {
    name,
    contexts: ANYWHERE,
    args: [1, 3],
    syntax: `${name} ${syntax} [interpolate]`,
    help,
    apply(args, to) {
      const interpolate = args.length > 1 && args.at(-1)!.toLowerCase() === "interpolate";
      const words = interpolate ? args.slice(0, -1) : args;
      const location = locationOf(to);
      let entry: Reverse;
      if (list !== "reverse") {
        if (words.length !== 2) throw new ArgumentError(`${name} takes two arguments`);
        entry = { real: words[0], fake: words[1], interpolate };
      } else if (words.length === 1) {
        if (location === undefined) {
          throw new ArgumentError(`${name} needs a path and a URL outside of <Location>`);
        }
        entry = { fake: location.path, real: words[0], interpolate };
      } else entry = { fake: words[0], real: words[1], interpolate };
      const place = to.dir.get(proxyPlace);
      place[list] = [...place[list], entry];
    },
  };
}

function placeFlag(
  name: string,
  key: "preserveHost" | "addHeaders" | "interpolateEnv" | "forwards100",
  help: string,
  byDefault: "On" | "Off",
): Directive {
  return {
    name,
    contexts: ANYWHERE,
    args: 1,
    syntax: `${name} On|Off`,
    help,
    default: byDefault,
    apply([word], to) {
      to.dir.get(proxyPlace)[key] = flag(word);
    },
  };
}

function hostRow(
  name: string,
  syntax: string,
  help: string,
  set: (host: ProxyHost, args: readonly string[]) => void,
  more: Partial<Pick<Directive, "args" | "default" | "differs">> = {},
): Directive {
  return {
    name,
    contexts: HOST,
    args: 1,
    syntax: `${name} ${syntax}`,
    help,
    ...more,
    apply: (args, to) => set(to.server.get(proxyHost), args),
  };
}

function section(name: string, match: boolean): SectionDirective {
  return {
    name: `<${name}>`,
    contexts: HOST,
    args: match ? 1 : [1, 2],
    syntax: `<${name} ${match ? "regex" : "wildcard-url"}>`,
    help: match
      ? "As <Proxy>, for URLs that a regular expression matches"
      : "Directives for what is asked of other servers",
    open(args, to) {
      const regex = match || args[0] === "~";
      const pattern = args[0] === "~" ? args[1] : args[0];
      if (pattern === undefined) throw new ArgumentError(`<${name} ~> needs a regular expression`);
      const dir = new Store<"dir">();
      const compiled = regex ? compileRegex(pattern) : undefined;
      const glob = /[*?[]/.test(pattern) ? compileGlob(pattern) : undefined;
      const matches = (url: string) => compiled?.test(url) ?? glob?.(url) ?? url.startsWith(pattern);
      const host = to.server.get(proxyHost);
      host.sections = [...host.sections, { pattern, matches, dir }];
      if (!regex && /^balancer:/i.test(pattern)) defineBalancer(to, pattern, []);
      return {
        ...to,
        context: "directory",
        section: name,
        place: pattern,
        directory: undefined,
        dir,
        opened: { ifs: [] },
      };
    },
  };
}

const balancerMember: Directive = {
  name: "BalancerMember",
  contexts: ANYWHERE,
  args: [1, Infinity],
  syntax: "BalancerMember [balancerurl] url [key=value ...]",
  help: "A backend of a balancer",
  apply(args, to) {
    const named = /^balancer:/i.test(args[0]);
    const name = named ? args[0] : to.section === "Proxy" ? to.place : undefined;
    const [url, ...values] = named ? args.slice(1) : args;
    if (name === undefined || !/^balancer:/i.test(name)) {
      throw new ArgumentError("BalancerMember must define balancer name when outside <Proxy > section");
    }
    if (url === undefined) throw new ArgumentError("BalancerMember needs the URL of a backend");
    const balancer = defineBalancer(to, name, []);
    const member = { url: backendUrl(url), values: {} };
    for (const value of values) readWorkerValue(member.values, value);
    if (balancer.members.some(({ url: { text } }) => text === url)) {
      throw new ArgumentError(`BalancerMember ${url} is in ${name} already`);
    }
    balancer.members.push(member);
  },
};

const proxySet: Directive = {
  name: "ProxySet",
  contexts: ANYWHERE,
  args: [1, Infinity],
  syntax: "ProxySet [url] key=value [key=value ...]",
  help: "Parameters of a backend or a balancer",
  apply(args, to) {
    const inSection = to.section === "Proxy" && args[0].includes("=") && !/^[a-z+]+:\/\//i.test(args[0]);
    const url = inSection ? to.place! : args[0];
    const values = inSection ? args : args.slice(1);
    if (!inSection && values.length === 0) throw new ArgumentError("ProxySet needs a URL and parameters");
    if (/^balancer:/i.test(url)) defineBalancer(to, url, values);
    else defineWorker(to, url, values);
  },
};

const badHeaders = { IsError: "error", Ignore: "ignore", StartBody: "body" } as const;

export const directives: readonly DirectiveRow[] = [
  section("Proxy", false),
  section("ProxyMatch", true),
  passRow("ProxyPass", false),
  passRow("ProxyPassMatch", true),
  reverseRow(
    "ProxyPassReverse",
    "reverse",
    "[path] url",
    "URLs of another server in fields of its responses are written as clients know them",
  ),
  reverseRow(
    "ProxyPassReverseCookieDomain",
    "cookieDomains",
    "internal-domain public-domain",
    "The domain of cookies is written as clients know it",
  ),
  reverseRow(
    "ProxyPassReverseCookiePath",
    "cookiePaths",
    "internal-path public-path",
    "The path of cookies is written as clients know it",
  ),
  balancerMember,
  proxySet,
  placeFlag(
    "ProxyPreserveHost",
    "preserveHost",
    "The other server is told the Host that the client asked for",
    "Off",
  ),
  placeFlag("ProxyAddHeaders", "addHeaders", "X-Forwarded-For, -Host and -Server are sent", "On"),
  placeFlag(
    "ProxyPassInterpolateEnv",
    "interpolateEnv",
    "Whether ${VARIABLE} in directives with interpolate is replaced",
    "Off",
  ),
  placeFlag("Proxy100Continue", "forwards100", "Expect: 100-continue is the other server's to answer", "On"),
  {
    name: "ProxyErrorOverride",
    contexts: ANYWHERE,
    args: [1, Infinity],
    syntax: "ProxyErrorOverride Off|On [code ...]",
    help: "Errors of the other server are answered with pages of this one",
    default: "Off",
    apply([word, ...codes], to) {
      const on = flag(word);
      if (!on && codes.length > 0) throw new ArgumentError("ProxyErrorOverride Off takes no codes");
      const numbers = codes.map((code) =>
        integer(code, { min: 400, max: 599, name: "ProxyErrorOverride: a code" })
      );
      to.dir.get(proxyPlace).errorOverride = { on, codes: numbers };
    },
  },
  hostRow(
    "ProxyRequests",
    "On|Off",
    "Whether clients may ask for URLs of other servers (a forward proxy)",
    (host, [word]) => {
      host.requests = flag(word);
      if (host.requests) throw new ArgumentError("ProxyRequests On is refused: there is no forward proxy");
    },
    {
      default: "Off",
      differs: "On is refused: there is no forward proxy.",
    },
  ),
  hostRow("ProxyVia", "On|Off|Full|Block", "What the Via field says of this server", (host, [word]) => {
    host.via = oneOf(word, ["Off", "On", "Full", "Block"]);
  }, { default: "Off" }),
  hostRow("ProxyTimeout", "seconds", "How long the other server may be silent", (host, [word]) => {
    const timeout = timeInterval(word, "s");
    if (timeout < 1) throw new ArgumentError("Proxy Timeout must be at least 1 second.");
    host.timeout = timeout;
  }),
  hostRow(
    "ProxyBadHeader",
    "IsError|Ignore|StartBody",
    "What lines in a response's head are that are no fields",
    (host, [word]) => {
      host.badHeader = badHeaders[oneOf(word, ["IsError", "Ignore", "StartBody"])];
    },
    { default: "IsError" },
  ),
  hostRow("ProxyMaxForwards", "number", "Through how many proxies a request may go on", (host, [word]) => {
    host.maxForwards = integer(word, { min: -1, max: 0x7fffffff, name: "ProxyMaxForwards" });
  }, { default: "-1" }),
  hostRow("ProxyBlock", "*|word|host|domain ...", "Hosts that are never asked", (host, words) => {
    host.blocked = [...host.blocked, ...words.map((word) => word.toLowerCase())];
  }, { args: [1, Infinity] }),
  hostRow("NoProxy", "host ...", "Hosts that are asked without another proxy in between", (host, words) => {
    host.noProxy = [...host.noProxy, ...words];
  }, { args: [1, Infinity], differs: "There is no ProxyRemote: every host is asked without another proxy." }),
  hostRow("ProxyDomain", "Domain", "The domain of hosts without one, for a forward proxy", (host, [word]) => {
    if (!word.startsWith(".")) throw new ArgumentError("ProxyDomain: domain name must start with a dot.");
    host.domain = word;
  }),
  hostRow(
    "ProxySourceAddress",
    "address",
    "The address from which other servers are asked",
    (host, [word]) => {
      if (!/^[0-9.]+$|:/.test(word)) {
        throw new ArgumentError(
          `ProxySourceAddress takes an IP address, not '${word}'`,
        );
      }
      host.sourceAddress = word;
    },
  ),
  hostRow(
    "ProxyPassInherit",
    "On|Off",
    "Whether mappings of the main server hold in a virtual host",
    (host, [word]) => {
      host.inherit = flag(word);
    },
    { default: "On" },
  ),
  hostRow(
    "ProxyIOBufferSize",
    "bytes",
    "Accepted: pieces are as large as the other server sends them",
    (_host, [word]) => {
      integer(word, { min: 0, name: "ProxyIOBufferSize" });
    },
  ),
  hostRow("ProxyReceiveBufferSize", "bytes", "Accepted: the kernel chooses", (_host, [word]) => {
    integer(word, { min: 0, name: "ProxyReceiveBufferSize" });
  }),
  hostRow("ProxyStatus", "Off|On|Full", "Whether server-status shows balancers", (host, [word]) => {
    host.status = oneOf(word, ["Off", "On", "Full"]);
  }, { default: "Off" }),
];
