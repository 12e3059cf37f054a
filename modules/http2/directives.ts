// Which directives does mod_http2 have? Rows that put their arguments into the values of a virtual host; those that ask for what this
// server does in other ways, or not, are read so that configurations need not be cut.

import { type Context, type Directive, flag, integer } from "../../server/config/mod.ts";
import { type Http2Server, http2Server } from "./config.ts";

const SERVER: readonly Context[] = ["server config"];
const HOST: readonly Context[] = ["server config", "virtual host"];
const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** A row that sets a number. */
function number(
  name: string,
  key: "maxStreams" | "windowSize" | "streamMemory" | "maxDataFrame",
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
    "The longest piece of a response in one DATA frame; 0: 16384, which every client takes",
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
  ignored(
    "H2Upgrade",
    "on|off",
    "a connection of HTTP/1.1 stays one (RFC 9113 has given the way up)",
    EVERYWHERE,
  ),
  ignored("H2Padding", "bits", "frames are not padded"),
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
  ignored("H2PushResource", "[add] path [critical]", NO_PUSH, EVERYWHERE, [1, 3]),
];
