// Which directives does mod_md have? Rows that put their arguments into the values of a set of domains, of all sets, or of the server.

import { resolve } from "@std/path";
import {
  ArgumentError,
  type Context,
  type Directive,
  type DirectiveRow,
  hostRow,
  oneOf,
  type RowFacts,
  type SectionDirective,
  Store,
  type Target,
  type Where,
} from "../../server/config/mod.ts";
import { bindingOf, keyKinds, onOff, timeWindow, urlOfAuthority } from "./arguments.ts";
import { globalRows, refuseInSet } from "./global_directives.ts";
import { type DomainDraft, mdServer, type SetValues } from "./config.ts";

const HOST: readonly Context[] = ["server config", "virtual host"];
const CHALLENGES = ["tls-alpn-01", "http-01", "dns-01"] as const;

/** A row that is for a set of domains within its section, and else for all. */
function setRow(
  name: string,
  argument: string,
  facts: RowFacts,
  set: (values: SetValues, args: readonly string[], to: Target) => void,
): Directive {
  return hostRow(name, argument, facts, (args, to) => set(to.server.get(mdServer).values, args, to));
}

/** Adds domain names, and takes the words auto and manual for what they say. @throws ArgumentError for what is no name */
function addNames(draft: DomainDraft, words: readonly string[]): void {
  for (const word of words) {
    const name = word.toLowerCase();
    if (name === "auto" || name === "manual") draft.values.addsNames = name === "auto";
    // Folders are called so.
    else if (!/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) {
      throw new ArgumentError(`"${word}" is no domain name`);
    } else if (!draft.names.includes(name)) draft.names.push(name);
  }
}

/** A set with what `words` say, which goes to the virtual host of `to`. @throws ArgumentError */
function addSet(words: readonly string[], values: SetValues, to: Target, where: Where): DomainDraft {
  const { serverRoot } = to;
  const draft = { names: [], where, serverRoot, values, certificateFiles: [], keyFiles: [] };
  addNames(draft, words);
  if (draft.names.length === 0) throw new ArgumentError("needs at least one domain name", true);
  const host = to.server.get(mdServer);
  host.domains = [...host.domains, draft];
  return draft;
}

/** The set around this place. @throws ArgumentError when there is none */
function setAround(name: string, to: Target): DomainDraft {
  const { draft } = to.server.get(mdServer);
  if (draft !== undefined) return draft;
  throw new ArgumentError(`${name} is only valid inside a '<MDomainSet' context, not here`);
}

function sectionRow(section: string): SectionDirective {
  return {
    name: `<${section}>`,
    contexts: HOST,
    args: [1, Infinity],
    syntax: `<${section} domain-name [domain-name] ... [auto|manual]>`,
    help: "Domains that have a certificate together, and what holds for them",
    open(args, to, where) {
      refuseInSet(`<${section}>`, to);
      const server: Target["server"] = new Store();
      const inner = server.get(mdServer);
      inner.draft = addSet(args, inner.values, to, where);
      return { ...to, section, place: args[0], server };
    },
  };
}

function membersRow(name: string): Directive {
  return {
    name,
    contexts: HOST,
    args: [1, Infinity],
    syntax: `${name} domain-name ... | auto | manual`,
    help: "Further domains of a set; auto: the names of its virtual hosts too",
    default: "auto",
    apply(words, to) {
      const { draft, values } = to.server.get(mdServer);
      if (draft !== undefined) return addNames(draft, words);
      if (words.length !== 1) {
        throw new ArgumentError(`${name} is only valid inside a '<MDomainSet' context, not here`);
      }
      values.addsNames = oneOf(words[0], ["auto", "manual"]) === "auto";
    },
  };
}

/** MDCertificateFile and MDCertificateKeyFile. */
function fileRow(name: string, list: "certificateFiles" | "keyFiles", help: string): Directive {
  return {
    name,
    contexts: HOST,
    args: 1,
    syntax: `${name} path-to-pem-file`,
    help,
    apply: ([path], to) => void setAround(name, to)[list].push(resolve(to.serverRoot, path)),
  };
}

function renewModeRow(name: string, help: string): Directive {
  return setRow(name, "auto|always|manual", { help, default: "auto" }, (values, [word]) => {
    const lower = word.toLowerCase();
    if (lower === "auto" || lower === "automatic") values.renewMode = "auto";
    else if (lower === "manual" || lower === "stick") values.renewMode = "manual";
    else if (lower === "always") values.renewMode = "always";
    else throw new ArgumentError(`unknown MDDriveMode ${word}`);
  });
}

export const mdRows: readonly DirectiveRow[] = [
  {
    name: "MDomain",
    contexts: HOST,
    args: [1, Infinity],
    syntax: "MDomain domain-name [domain-name] ... [auto|manual]",
    help: "Domains that have a certificate together, which the server gets and renews",
    apply(words, to, where) {
      refuseInSet("MDomain", to);
      addSet(words, {}, to, where);
    },
  },
  sectionRow("MDomainSet"),
  sectionRow("MDomain"),
  membersRow("MDMember"),
  membersRow("MDMembers"),
  setRow("MDCertificateAuthority", "url|name ...", {
    args: [1, Infinity],
    help:
      "Where certificates come from: LetsEncrypt, LetsEncrypt-Test, Buypass, Buypass-Test, or the URL of an ACME directory",
    default: "LetsEncrypt",
  }, (values, words) => {
    values.authorities = words.map(urlOfAuthority);
  }),
  setRow("MDCertificateAgreement", "accepted|url", {
    help: "You accept the terms of service of the authority",
  }, (values, [word]) => {
    values.agreement = word;
  }),
  setRow("MDContactEmail", "address", {
    help: "Whom the authority writes to; without it, ServerAdmin",
  }, (values, [word]) => {
    values.contact = word;
  }),
  setRow(
    "MDCertificateProtocol",
    "ACME",
    { help: "How certificates are got", default: "ACME" },
    (_values, [word]) => {
      oneOf(word, ["ACME"]);
    },
  ),
  setRow("MDCAChallenges", "type ...", {
    args: [1, 3],
    help: "How the authority may have it proven whose domains they are, the preferred first",
    default: "tls-alpn-01 http-01 dns-01",
  }, (values, words) => {
    values.challenges = words.map((word) => oneOf(word, CHALLENGES));
  }),
  setRow("MDChallengeDns01", "command", {
    args: "raw",
    help: "The program that answers dns-01: it is called with setup|teardown, the domain and the challenge",
  }, (values, [command]) => {
    values.dnsCommand = command;
  }),
  renewModeRow(
    "MDRenewMode",
    "Whether certificates are got and renewed: for domains of virtual hosts (auto), always, or not (manual)",
  ),
  renewModeRow("MDDriveMode", "The old name of MDRenewMode"),
  setRow("MDRenewWindow", "duration", {
    help: "A certificate is renewed when so much of its life is left: days, 12h, 33%",
    default: "33%",
  }, (values, [word]) => {
    values.renewWindow = timeWindow("MDRenewWindow", word);
  }),
  setRow("MDWarnWindow", "duration", {
    help: "There is a warning (MDMessageCmd) when so much of a certificate's life is left",
    default: "10%",
  }, (values, [word]) => {
    values.warnWindow = timeWindow("MDWarnWindow", word);
  }),
  setRow("MDPrivateKeys", "type [bits] ...", {
    args: [1, 8],
    help: "Keys of new certificates, one certificate each: RSA [bits], secp256r1, secp384r1, secp521r1",
    default: "RSA 2048",
    differs: "Other curves are errors.",
  }, (values, words) => {
    values.keys = keyKinds(words);
  }),
  setRow("MDMustStaple", "on|off", {
    help: "New certificates oblige the server to staple OCSP responses",
    default: "off",
  }, (values, [word]) => {
    values.mustStaple = onOff(word);
  }),
  setRow("MDRequireHttps", "off|temporary|permanent", {
    help:
      "Requests for these domains that are not encrypted are redirected; permanent: and clients are to remember that (HSTS)",
    default: "off",
  }, (values, [word]) => {
    values.requireHttps = oneOf(word, ["off", "temporary", "permanent"]);
  }),
  setRow("MDExternalAccountBinding", "key-id hmac|none|file", {
    args: [1, 2],
    help: "How the authority knows you; in a file: JSON with kid and hmac",
    default: "none",
  }, (values, [first, hmac], to) => {
    values.binding = bindingOf(first, hmac, resolve(to.serverRoot, first));
  }),
  fileRow("MDCertificateFile", "certificateFiles", "A certificate of your own for these domains (PEM)"),
  fileRow("MDCertificateKeyFile", "keyFiles", "Its private key (PEM)"),
  ...globalRows,
];
