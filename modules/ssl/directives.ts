// Which directives does mod_ssl have? Rows that put their arguments into the values of a virtual host or a place.

import { resolve } from "@std/path";
import {
  ArgumentError,
  type Context,
  type Directive,
  flag,
  hostRow,
  integer,
  oneOf,
  type RowFacts,
  type Target,
  type Where,
} from "../../server/config/mod.ts";
import { acceptedSslRows } from "./accepted.ts";
import { placeRows } from "./place_directives.ts";
import { staplingRows } from "./stapling_directives.ts";
import { type NamedFile, PROTOCOLS, sslDir, type SslServer, sslServer } from "./config.ts";

const SERVER: readonly Context[] = ["server config"];
const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const PER_SERVER =
  "Only for whole virtual hosts: a connection is not negotiated anew for a directory (TLS 1.3 has no renegotiation).";

function row(
  name: string,
  argument: string,
  facts: RowFacts,
  set: (values: SslServer, args: readonly string[], where: Where, to: Target) => void,
): Directive {
  return hostRow(
    name,
    argument,
    facts,
    (args, to, where) => set(to.server.get(sslServer), args, where, to),
  );
}

function named(directive: string, path: string, where: Where, to: Target): NamedFile {
  return { path: resolve(to.serverRoot, path), where, directive };
}

/** A row that adds a file to a list. */
function fileRow(
  name: string,
  key: "certificates" | "keys" | "clientAuthorities" | "announcedAuthorities" | "revocations",
  argument: string,
  help: string,
  more: Partial<Directive> = {},
): Directive {
  return row(name, argument, { help, ...more }, (values, [path], where, to) => {
    values[key] = [...values[key], named(name, path, where, to)];
  });
}

/** `[+|-]protocol ...`, from left to right. */
function protocolsOf(words: readonly string[]): readonly (typeof PROTOCOLS)[number][] {
  let chosen = new Set<string>();
  for (const word of words) {
    const [, sign, name] = /^([+-]?)(.*)$/s.exec(word)!;
    const lower = name.toLowerCase();
    const known = PROTOCOLS.find((protocol) => protocol.toLowerCase() === lower);
    if (known === undefined && lower !== "all" && lower !== "sslv2" && lower !== "sslv3") {
      throw new ArgumentError(`Illegal protocol '${name}': there are ${PROTOCOLS.join(", ")} and all`, true);
    }
    // What is not there may be switched off.
    if (known === undefined && lower !== "all" && sign !== "-") {
      throw new ArgumentError(`${name} is no longer supported`, true);
    }
    const meant = lower === "all" ? PROTOCOLS : known === undefined ? [] : [known];
    if (sign === "-") { for (const each of meant) chosen.delete(each); }
    else if (sign === "+") { for (const each of meant) chosen.add(each); }
    else chosen = new Set(meant);
  }
  if (chosen.size === 0) throw new ArgumentError("No SSL protocols available [hint: SSLProtocol]");
  return PROTOCOLS.filter((protocol) => chosen.has(protocol));
}

export const sslRows: readonly Directive[] = [
  row("SSLEngine", "on|off|optional", {
    help: "Whether connections to a virtual host are encrypted",
    default: "off",
    differs:
      "optional (an upgrade within HTTP, RFC 2817) is off, with a warning: no client of today does that.",
  }, (values, [word], where, to) => {
    const engine = oneOf(word, ["on", "off", "optional"]);
    if (engine === "optional") {
      const message = "SSLEngine optional: connections stay in plain text, for none is upgraded within HTTP";
      to.warnings.push({ ...where, message });
    }
    values.engine = engine === "on" ? "on" : "off";
    values.engineAt = where;
  }),
  fileRow(
    "SSLCertificateFile",
    "certificates",
    "file-path",
    "A certificate (PEM), with its intermediate ones behind it; several, for keys of different kinds",
  ),
  fileRow(
    "SSLCertificateKeyFile",
    "keys",
    "file-path",
    "The private key (PEM) of the certificate; without it, it is in the file of the certificate",
  ),
  row("SSLCertificateChainFile", "file-path", {
    help: "Intermediate certificates (PEM), if they are not in the file of the certificate",
  }, (values, [path], where, to) => {
    values.chain = named("SSLCertificateChainFile", path, where, to);
  }),
  fileRow(
    "SSLCACertificateFile",
    "clientAuthorities",
    "file-path",
    "Authorities of client certificates (PEM)",
  ),
  fileRow(
    "SSLCACertificatePath",
    "clientAuthorities",
    "directory-path",
    "A directory of files with authorities of client certificates",
    { differs: "All certificates in it are read, whatever the names of the files." },
  ),
  fileRow(
    "SSLCADNRequestFile",
    "announcedAuthorities",
    "file-path",
    "Authorities whose names clients are told, if not those of SSLCACertificateFile",
  ),
  fileRow(
    "SSLCADNRequestPath",
    "announcedAuthorities",
    "directory-path",
    "A directory of files with authorities whose names clients are told",
  ),
  fileRow(
    "SSLCARevocationFile",
    "revocations",
    "file-path",
    "Lists of client certificates that were revoked (PEM)",
  ),
  fileRow("SSLCARevocationPath", "revocations", "directory-path", "A directory of files with such lists"),
  row("SSLCARevocationCheck", "chain|leaf|none [no_crl_for_cert_ok]", {
    help: "Whether client certificates are looked for in the lists",
    default: "none",
    args: [1, 2],
    differs: "no_crl_for_cert_ok is an error: where lists are looked at, every authority has to have one.",
  }, (values, [word, flagWord]) => {
    if (flagWord !== undefined) {
      throw new ArgumentError(`SSLCARevocationCheck: Invalid argument '${flagWord}'`);
    }
    values.revocationCheck = oneOf(word, ["none", "leaf", "chain"]);
  }),
  row("SSLProtocol", "[+|-]protocol ...", {
    help: "Versions of TLS that are spoken",
    default: "all -SSLv3",
    args: [1, 10],
  }, (values, words) => {
    values.protocols = protocolsOf(words);
  }),
  row("SSLCipherSuite", "[SSL|TLSv1.3] cipher-spec", {
    help: "Cipher suites, as OpenSSL names them",
    args: [1, 2],
    differs: PER_SERVER,
  }, (values, args) => {
    const [kind, spec] = args.length === 1 ? ["SSL", args[0]] : args;
    if (/^tlsv1\.3$/i.test(kind)) values.cipherSuites = spec;
    else if (/^ssl$/i.test(kind)) values.cipherList = `${spec}:!aNULL:!eNULL:!EXP`;
    else throw new ArgumentError(`procotol '${kind}' not supported: SSL or TLSv1.3`, true);
  }),
  row("SSLHonorCipherOrder", "on|off", {
    help: "The server's order of cipher suites counts, not the client's",
    default: "off",
  }, (values, [word]) => {
    values.honorCipherOrder = flag(word);
  }),
  row("SSLVerifyClient", "none|optional|require", {
    contexts: EVERYWHERE,
    override: "AuthConfig",
    help: "Whether clients have to show a certificate",
    default: "none",
    differs:
      "optional_no_ca is an error. In a directory nobody is asked for one anew (TLS 1.3 has no renegotiation): who has not shown " +
      "one in the handshake, because the host asks for one (optional), gets 403 where it is required.",
  }, (values, [word], _where, to) => {
    if (word.toLowerCase() === "optional_no_ca") {
      throw new ArgumentError("SSLVerifyClient optional_no_ca is not supported: use optional");
    }
    const verify = oneOf(word, ["none", "optional", "require"]);
    if (to.context === "directory" || to.context === ".htaccess") to.dir.get(sslDir).verifyClient = verify;
    else values.verifyClient = verify;
  }),
  row("SSLVerifyDepth", "number", {
    help: "So many certificates may be between a client's and its root, the root counted",
    default: "1",
    differs: PER_SERVER,
  }, (values, [word]) => {
    values.verifyDepth = integer(word, { name: "SSLVerifyDepth", min: 0, max: 100 });
  }),
  row("SSLSessionTickets", "on|off", {
    help: "Sessions are resumed by tickets that clients keep",
    default: "on",
    differs:
      "Without a file, the keys of tickets are made by the control process and last a day, across restarts.",
  }, (values, [word]) => {
    values.tickets = flag(word);
  }),
  row("SSLSessionTicketKeyFile", "file-path", {
    help: "48 bytes from which the keys of tickets come, to be shared by servers",
  }, (values, [path], where, to) => {
    values.ticketKey = named("SSLSessionTicketKeyFile", path, where, to);
  }),
  row("SSLSessionCache", "type", {
    contexts: SERVER,
    help: "Whether sessions of clients without tickets are kept",
    default: "none",
    differs: "Of none, nonenotnull and all other types: kept in the memory of each child, whatever the type.",
  }, (values, [word]) => {
    values.sessionCache = !/^none/i.test(word);
  }),
  row("SSLSessionCacheTimeout", "seconds", {
    help: "A session can be resumed so long",
    default: "300",
  }, (values, [word]) => {
    values.sessionTimeout = integer(word, { name: "SSLSessionCacheTimeout", min: 1 });
  }),
  row("SSLStrictSNIVHostCheck", "on|off", {
    help: "Clients that do not say which host they want are refused",
    default: "off",
  }, (values, [word]) => {
    values.strictSni = flag(word);
  }),
  row("SSLOpenSSLConfCmd", "command-name command-value", {
    args: 2,
    help: "A setting by its name in OpenSSL's configuration, such as Curves",
  }, (values, [name, value], where) => {
    values.commands = [...values.commands, { name, value, where }];
  }),
  row("SSLPassPhraseDialog", "builtin|exec:program", {
    contexts: SERVER,
    help: "How the pass phrases of private keys are found out",
    default: "builtin",
    differs: "Nobody is asked at a terminal: a key with a pass phrase needs exec:.",
  }, (values, [word]) => {
    const [, program] = /^exec:(.+)$/is.exec(word) ?? [];
    if (program === undefined && word.toLowerCase() !== "builtin") {
      throw new ArgumentError("SSLPassPhraseDialog: must be builtin or exec:program");
    }
    values.passPhraseProgram = program;
  }),
  ...placeRows,
  ...staplingRows,
  ...acceptedSslRows,
];
