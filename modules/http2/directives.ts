// Which directives does mod_http2 have? Rows that put their arguments into the values of a virtual host; those that ask for what this
// server does in other ways, or not, are read so that configurations need not be cut.

import { ArgumentError, type Context, type Directive, flag, integer } from "../../server/config/mod.ts";
import { hintsDir, type Http2Server, http2Server } from "./config.ts";

const SERVER: readonly Context[] = ["server config"];
const HOST: readonly Context[] = ["server config", "virtual host"];
const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** A row that sets a number. */
function number(
  name: string,
  key: "maxStreams" | "windowSize" | "streamMemory" | "maxDataFrame" | "padding",
  argument: string,
  help: string,
  range: { readonly min: number; readonly max: number },
  byDefault: string,
): Directive {
  return {
    name,
    contexts: HOST,
    args: 1,
    syntax: `${name} ${argument}`,
    help,
    default: byDefault,
    apply([word], to) {
      const values: Http2Server = to.server.get(http2Server);
      values[key] = integer(word, { name, ...range });
    },
  };
}

function ignored(
  name: string,
  argument: string,
  reason: string,
  contexts: readonly Context[] = HOST,
  args: Directive["args"] = 1,
): Directive {
  return {
    name,
    contexts,
    args,
    override: contexts.includes(".htaccess") ? "FileInfo" : undefined,
    syntax: `${name} ${argument}`,
    help: `Has no effect: ${reason}`,
    apply() {},
  };
}

const NO_WORKERS = "streams are worked on by the thread that has their connection";
const NO_PUSH = "nothing is pushed; clients have given that up";

export const http2Rows: readonly Directive[] = [
  number(
    "H2MaxSessionStreams",
    "maxStreams",
    "number",
    "Requests of one connection that are in hand at the same time",
    { min: 1, max: 2 ** 31 - 1 },
    "100",
  ),
  number(
    "H2WindowSize",
    "windowSize",
    "bytes",
    "What a client may send of a request body before a handler takes it",
    { min: 1024, max: 2 ** 31 - 1 },
    "65535",
  ),
  number(
    "H2StreamMaxMemSize",
    "streamMemory",
    "bytes",
    "What may wait of a streamed response, until its source has to wait too",
    { min: 1024, max: 2 ** 31 - 1 },
    "65536",
  ),
  number(
    "H2MaxDataFrameLen",
    "maxDataFrame",
    "bytes",
    "The longest piece of a response in one DATA frame; 0: 16375, which fills a record of TLS",
    { min: 0, max: 2 ** 24 - 1 },
    "0",
  ),
  {
    name: "H2Direct",
    contexts: HOST,
    args: 1,
    syntax: "H2Direct on|off",
    help:
      "Whether a connection in plain text that begins as HTTP/2 does is taken for it (where Protocols has h2c)",
    default: "on for h2c, off for h2",
    differs: "Over TLS it is the handshake that says.",
    apply([word], to) {
      to.server.get(http2Server).direct = flag(word);
    },
  },
  {
    name: "H2WebSockets",
    contexts: HOST,
    args: 1,
    syntax: "H2WebSockets on|off",
    help: "Whether a stream may become a WebSocket (RFC 8441)",
    default: "off",
    apply([word], to) {
      to.server.get(http2Server).webSockets = flag(word);
    },
  },
  {
    name: "H2Upgrade",
    contexts: EVERYWHERE,
    args: 1,
    override: "FileInfo",
    syntax: "H2Upgrade on|off",
    help:
      "Whether a request of HTTP/1.1 without a body may change its connection to h2c (where Protocols has it)",
    default: "on for h2c, off for h2",
    differs:
      "Decided before the place of the request is known: what sections and .htaccess files say is without effect.",
    apply([word], to) {
      const upgrade = flag(word);
      if (to.context === "server config" || to.context === "virtual host") {
        to.server.get(http2Server).upgrade = upgrade;
      }
    },
  },
  number(
    "H2Padding",
    "padding",
    "bits",
    "HEADERS and DATA frames are made longer by a random number of bytes below 2 to the power of this",
    { min: 0, max: 8 },
    "0",
  ),
  {
    name: "H2EarlyHints",
    contexts: HOST,
    args: 1,
    syntax: "H2EarlyHints on|off",
    help:
      "Whether requests of HTTP/2 get 103 with what H2PushResource and H2EarlyHint name, before their answer is made",
    default: "off",
    apply([word], to) {
      to.server.get(http2Server).earlyHints = flag(word);
    },
  },
  {
    name: "H2PushResource",
    contexts: EVERYWHERE,
    args: [1, 3],
    override: "FileInfo",
    syntax: "H2PushResource [add] path [critical]",
    help:
      "A resource that clients of this place are told to load early, in a Link field of 103 (where H2EarlyHints is on)",
    differs: "Nothing is pushed.",
    apply(args, to) {
      const [path, last, ...more] = /^add$/i.test(args[0]) && args.length > 1 ? args.slice(1) : args;
      if (more.length > 0) throw new ArgumentError("too many parameter");
      if (last !== undefined && !/^critical$/i.test(last)) throw new ArgumentError("unknown last parameter");
      const values = to.dir.get(hintsDir);
      const { preloads, fields } = values.hints;
      const link = `<${path}>; rel=preload${last === undefined ? "" : "; critical"}`;
      values.hints = { preloads: [...preloads, link], fields };
    },
  },
  {
    name: "H2EarlyHint",
    contexts: EVERYWHERE,
    args: 2,
    override: "FileInfo",
    syntax: "H2EarlyHint name value",
    help:
      "A field of 103, which requests of this place get before their answer is made (where H2EarlyHints is on)",
    apply([name, value], to) {
      if (value.trim() === "") {
        throw new ArgumentError("Early Hint header value must not be empty/only space");
      }
      const values = to.dir.get(hintsDir);
      const { preloads, fields } = values.hints;
      values.hints = { preloads, fields: [...fields, [name, value.trim()]] };
    },
  },
  ignored("H2CopyFiles", "on|off", "files are always read and sent by their connection's thread", EVERYWHERE),
  ignored("H2SerializeHeaders", "on|off", "heads are never made text in between"),
  ignored("H2ModernTLSOnly", "on|off", "SSLProtocol and SSLCipherSuite say what is spoken"),
  ignored("H2TLSWarmUpSize", "bytes", "records are as large as what they carry"),
  ignored("H2TLSCoolDownSecs", "seconds", "records are as large as what they carry"),
  ignored("H2OutputBuffering", "on|off", "what is made in one turn is sent together"),
  ignored("H2StreamTimeout", "seconds", "Timeout and RequestReadTimeout hold for streams too", EVERYWHERE),
  ignored("H2SessionExtraFiles", "number", "files are shared by all streams", HOST),
  ignored("H2MinWorkers", "number", NO_WORKERS, SERVER),
  ignored("H2MaxWorkers", "number", NO_WORKERS, SERVER),
  ignored("H2MaxWorkerIdleSeconds", "seconds", NO_WORKERS, SERVER),
  ignored("H2Push", "on|off", NO_PUSH, EVERYWHERE),
  ignored("H2PushDiarySize", "number", NO_PUSH),
  ignored("H2PushPriority", "mime-type [after|before|interleaved] [weight]", NO_PUSH, HOST, [1, 3]),
  ignored("H2ProxyRequests", "on|off", "requests are passed on to proxied servers over HTTP/1.1", EVERYWHERE),
];
