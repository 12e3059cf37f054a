// Which directives of mod_md are for the whole server?

import { resolve } from "@std/path";
import {
  ArgumentError,
  type Context,
  type Directive,
  oneOf,
  type RowFacts,
  type Target,
} from "../../server/config/mod.ts";
import { duration, onOff, portMap } from "./arguments.ts";
import { type MdGlobal, mdGlobal, mdServer } from "./config.ts";

const SERVER: readonly Context[] = ["server config"];

/** @throws ArgumentError within a set */
export function refuseInSet(name: string, to: Target): void {
  if (to.server.get(mdServer).draft !== undefined) {
    throw new ArgumentError(`${name} is not allowed inside an '<MDomainSet' context`);
  }
}

/** A row of which there is one value for the server. */
function globalRow(
  name: string,
  argument: string,
  facts: RowFacts,
  set: (values: MdGlobal, args: readonly string[], to: Target) => void,
): Directive {
  return {
    name,
    contexts: SERVER,
    args: 1,
    syntax: `${name} ${argument}`,
    ...facts,
    apply(args, to) {
      refuseInSet(name, to);
      set(to.server.get(mdGlobal), args, to);
    },
  };
}

export const globalRows: readonly Directive[] = [
  globalRow("MDChallengeDns01Version", "1|2", {
    help: "Whether that program gets the challenge with teardown, too (2)",
    default: "1",
  }, (values, [word]) => {
    if (word !== "1" && word !== "2") throw new ArgumentError("Only versions `1` and `2` are supported");
    values.dnsVersion = word === "1" ? 1 : 2;
  }),
  globalRow("MDStoreDir", "path", {
    help: "Where keys and certificates are kept, in the form of httpd's mod_md",
    default: "md",
    differs: "Below ServerRoot, not below DefaultStateDir.",
  }, (values, [path], to) => {
    values.storeDir = resolve(to.serverRoot, path);
  }),
  globalRow("MDPortMap", "map1 [map2]", {
    args: [1, 2],
    help: "Ports that 80 and 443 of the outside lead to: http:8080 https:8443, or - for none",
    default: "http:80 https:443",
  }, (values, words) => {
    for (const { https, port } of words.map(portMap)) values[https ? "httpsPort" : "httpPort"] = port;
  }),
  globalRow("MDBaseServer", "on|off", {
    help: "Domains may be those of the server outside of virtual hosts",
    default: "off",
  }, (values, [word]) => {
    values.baseServer = onOff(word);
  }),
  globalRow("MDMatchNames", "all|servernames", {
    help: "Which names of virtual hosts are looked at",
    default: "all",
  }, (values, [word]) => {
    values.matchesAliases = oneOf(word, ["all", "servernames"]) === "all";
  }),
  globalRow("MDCACertificateFile", "path-to-pem-file", {
    help: "Authorities that are trusted for connections to the ACME server, instead of the system's",
  }, (values, [path], to) => {
    values.authorityFile = resolve(to.serverRoot, path);
  }),
  globalRow("MDHttpProxy", "url", {
    help: "A proxy for connections to the ACME server",
  }, (values, [word]) => {
    const url = URL.parse(word);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new ArgumentError("MDHttpProxy must be a URL of http");
    }
    values.proxy = word;
  }),
  globalRow("MDCheckInterval", "duration", {
    help: "Certificates are looked at this often",
    default: "12h",
  }, (values, [word]) => {
    values.checkInterval = duration(word, "s");
    if (values.checkInterval < 1000) throw new ArgumentError("check interval cannot be less than one second");
  }),
  globalRow("MDRetryDelay", "duration", {
    help:
      "After a failure it is tried again so much later, after each further one twice as late, up to a day",
    default: "5s",
  }, (values, [word]) => {
    values.retryDelay = duration(word, "s");
  }),
  globalRow("MDRetryFailover", "number", {
    help: "After so many failures the next authority is asked",
    default: "13",
  }, (values, [word]) => {
    if (!/^\d{1,9}$/.test(word) || Number(word) === 0) {
      throw new ArgumentError("invalid argument, must be a number > 0");
    }
    values.retryFailover = Number(word);
  }),
  globalRow("MDActivationDelay", "duration", {
    help: "A new certificate is put to use so much later: days, 12h",
    default: "0",
  }, (values, [word]) => {
    values.activationDelay = duration(word, "d");
  }),
  globalRow("MDNotifyCmd", "path [arguments]", {
    args: "raw",
    help: "A program that is run, with the name of the set, when there is a new certificate",
  }, (values, [command]) => {
    values.notifyCommand = command;
  }),
  globalRow("MDMessageCmd", "path [arguments]", {
    args: "raw",
    help:
      "A program that is run, with what happens (renewing, renewed, installed, expiring, errored) and the name of the set",
  }, (values, [command]) => {
    values.messageCommand = command;
  }),
  globalRow("MDServerStatus", "on|off", {
    help: "Has no effect: the page of server-status does not show the sets",
    default: "on",
  }, (_values, [word]) => void onOff(word)),
  globalRow("MDCertificateStatus", "on|off", {
    help: "Has no effect: /.httpd/certificate-status is not answered",
    default: "on",
  }, (_values, [word]) => void onOff(word)),
  globalRow("MDStoreLocks", "on|off|duration", {
    help: "Has no effect: servers do not share a store",
    default: "off",
  }, () => {}),
  globalRow("MDRestart", "on|off", {
    help: "The server restarts gracefully by itself when there is a new certificate",
    default: "on",
  }, (values, [word]) => {
    values.restarts = onOff(word);
  }),
];
