// Which directives of mod_ssl say who may have what is in a place?

import { ArgumentError, type Context, type Directive } from "../../server/config/mod.ts";
import { explained, parseCondition } from "../../server/config/expression/mod.ts";
import { sslDir, type SslOption } from "./config.ts";

const PLACE: readonly Context[] = ["directory", ".htaccess"];
const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** What SSLOptions knows; those with a name do something. */
const OPTIONS: Readonly<Record<string, SslOption | undefined>> = {
  StdEnvVars: undefined,
  ExportCertData: undefined,
  ExportBase64CertData: undefined,
  FakeBasicAuth: "FakeBasicAuth",
  StrictRequire: "StrictRequire",
  OptRenegotiate: undefined,
  LegacyDNStringFormat: undefined,
};

export const placeRows: readonly Directive[] = [
  {
    name: "SSLRequireSSL",
    contexts: PLACE,
    args: 0,
    syntax: "SSLRequireSSL",
    help: "Requests that are not encrypted are refused",
    override: "AuthConfig",
    apply: (_args, to) => {
      to.dir.get(sslDir).requireSsl = true;
    },
  },
  {
    name: "SSLRequire",
    contexts: PLACE,
    args: "raw",
    syntax: "SSLRequire expression",
    help: "Encrypted requests of which the expression is not true are refused",
    override: "AuthConfig",
    differs: "PeerExtList() and file() are errors.",
    apply([text], to) {
      const condition = explained("SSLRequire", () => parseCondition(text, true));
      const values = to.dir.get(sslDir);
      values.requirements = [...values.requirements, { text, condition }];
    },
  },
  {
    name: "SSLUserName",
    contexts: ["server config", "directory", ".htaccess"],
    args: 1,
    syntax: "SSLUserName variable",
    help: "The user is who a variable such as SSL_CLIENT_S_DN_CN names, where there is no FakeBasicAuth",
    override: "AuthConfig",
    apply([name], to) {
      to.dir.get(sslDir).userName = name;
    },
  },
  {
    name: "SSLOptions",
    contexts: EVERYWHERE,
    args: [1, 10],
    syntax: "SSLOptions [+|-]option ...",
    help:
      "FakeBasicAuth: the name in the client's certificate is that of a user with the password `password`; StrictRequire: SSLRequireSSL and SSLRequire hold whatever Satisfy says",
    override: "Options",
    differs:
      "Variables are found out when they are asked for: StdEnvVars, ExportCertData and the others have no effect. StrictRequire holds also where nobody has to authenticate.",
    apply(words, to) {
      const values = to.dir.get(sslDir);
      for (const word of words) {
        const [, sign, name] = /^([+-]?)(.*)$/s.exec(word)!;
        if (!Object.hasOwn(OPTIONS, name)) throw new ArgumentError(`SSLOptions: Illegal option '${name}'`);
        if (sign === "" && !values.onlyOptions) {
          values.onlyOptions = true;
          values.options = new Map();
        }
        const option = OPTIONS[name];
        if (option !== undefined) values.options = new Map([...values.options, [option, sign !== "-"]]);
      }
    },
  },
];
