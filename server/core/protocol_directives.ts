// Which directives has the core about connections and requests? Times, limits, and what is taken for a request.

import { ArgumentError, type Directive, flag, oneOf, timeInterval } from "../config/mod.ts";
import { isFieldName } from "../http/content/mod.ts";
import type { ReadTimeout } from "../http/engine/service.ts";
import { coreServer } from "./config.ts";
import { HOST, number, SERVER, serverRow } from "./rows.ts";

/** `initial[-max][,MinRate=n]` (http-core.md 4). */
function readTimeout(stage: string, text: string): ReadTimeout {
  const found = /^(\d{1,6})(?:-(\d{1,6}))?(?:,minrate=(\d{1,9}))?$/i.exec(text);
  if (found === null) {
    throw new ArgumentError(
      `RequestReadTimeout ${stage} must be timeout[-maxtimeout][,MinRate=rate], not "${text}"`,
    );
  }
  const [initial, max, minRate] = found.slice(1).map((part) => Number(part ?? 0));
  if (found[2] !== undefined && minRate === 0) {
    throw new ArgumentError("Must set MinRate option if using timeout range");
  }
  if (found[2] !== undefined && max <= initial) {
    throw new ArgumentError("Maximum timeout must be larger than initial timeout");
  }
  if (found[3] !== undefined && minRate === 0) throw new ArgumentError("MinRate must be larger than 0");
  return { initial: initial * 1000, max: max * 1000, minRate };
}

const requestReadTimeout: Directive = {
  name: "RequestReadTimeout",
  contexts: HOST,
  args: [1, 3],
  syntax: "RequestReadTimeout [handshake|header|body]=timeout[-maxtimeout][,MinRate=rate] ...",
  help: "How long a client may take to send head and body of a request, and how long a handshake may take",
  default: "header=20-40,MinRate=500 body=20,MinRate=500",
  differs: "For a handshake the initial time counts alone; without one (0), TimeOut.",
  apply(args, to) {
    for (const arg of args) {
      const [stage, value = ""] = arg.split(/=(.*)/s);
      const core = to.server.get(coreServer);
      const timeout = () => readTimeout(stage.toLowerCase(), value);
      if (stage.toLowerCase() === "header") core.headTimeout = timeout();
      else if (stage.toLowerCase() === "body") core.bodyTimeout = timeout();
      else if (stage.toLowerCase() === "handshake") core.handshakeTimeout = timeout();
      else throw new ArgumentError(`Unknown RequestReadTimeout parameter: ${stage}`);
    }
  },
};

const httpProtocolOptions: Directive = {
  name: "HttpProtocolOptions",
  contexts: HOST,
  args: [1, 3],
  syntax: "HttpProtocolOptions [Strict|Unsafe] [RegisteredMethods|LenientMethods] [Allow0.9|Require1.0]",
  help: "How strictly requests are held to the grammar of HTTP/1.1",
  default: "Strict LenientMethods Allow0.9",
  apply(args, to) {
    const core = to.server.get(coreServer);
    for (const arg of args) {
      const lower = arg.toLowerCase();
      if (lower === "strict" || lower === "unsafe") core.strict = lower === "strict";
      else if (lower === "registeredmethods" || lower === "lenientmethods") {
        core.lenientMethods = lower === "lenientmethods";
      } else if (lower === "allow0.9" || lower === "require1.0") core.allow09 = lower === "allow0.9";
      else {throw new ArgumentError(
          `HttpProtocolOptions accepts Strict, Unsafe, RegisteredMethods, LenientMethods, Allow0.9 and Require1.0, not "${arg}"`,
        );}
    }
  },
};

const registerHttpMethod: Directive = {
  name: "RegisterHttpMethod",
  contexts: SERVER,
  args: [1, 32],
  syntax: "RegisterHttpMethod method [method] ...",
  help: "Methods beside the standard ones that HttpProtocolOptions RegisteredMethods lets through",
  apply(methods, to) {
    const core = to.server.get(coreServer);
    for (const method of methods) {
      if (!isFieldName(method)) throw new ArgumentError(`"${method}" is not an HTTP method`);
    }
    core.registeredMethods = new Set([...core.registeredMethods ?? [], ...methods]);
  },
};

/** Protocols of HTTP that this server knows. What others a configuration names is passed over, as httpd does without their modules. */
const KNOWN_PROTOCOLS: ReadonlySet<string> = new Set(["acme-tls/1", "http/1.1", "h2", "h2c"]);

export const protocolDirectives: readonly Directive[] = [
  serverRow(
    "Protocols",
    "protocols",
    HOST,
    "protocol ...",
    "Protocols that are spoken, the preferred first: http/1.1, h2 (HTTP/2 over TLS), h2c (HTTP/2 in plain text); acme-tls/1: challenges of ACME are answered",
    (words) => words.map((word) => word.toLowerCase()).filter((word) => KNOWN_PROTOCOLS.has(word)),
    [1, 10],
    {
      default: "http/1.1",
      differs: "Others are passed over, as httpd does where their modules are not loaded.",
    },
  ),
  {
    name: "ProtocolsHonorOrder",
    contexts: HOST,
    args: 1,
    syntax: "ProtocolsHonorOrder On|Off",
    help: "Has no effect: the order of Protocols counts, not the client's",
    default: "On",
    differs: "Off is as On.",
    apply([word]) {
      flag(word);
    },
  },
  serverRow(
    "Timeout",
    "timeout",
    HOST,
    "seconds",
    "How long any single read or write may take",
    ([arg]) => timeInterval(arg, "s"),
    1,
    { default: "60" },
  ),
  serverRow(
    "KeepAlive",
    "keepAlive",
    HOST,
    "On|Off",
    "Whether connections stay open for further requests",
    ([arg]) => flag(arg),
    1,
    { default: "On" },
  ),
  serverRow(
    "KeepAliveTimeout",
    "keepAliveTimeout",
    HOST,
    "num[ms]",
    "How long a connection waits for its next request",
    ([arg]) => timeInterval(arg, "s"),
    1,
    { default: "5" },
  ),
  serverRow(
    "MaxKeepAliveRequests",
    "maxKeepAliveRequests",
    HOST,
    "number",
    "Requests a connection may carry; 0: no limit",
    number("MaxKeepAliveRequests", 0),
    1,
    { default: "100" },
  ),
  requestReadTimeout,
  httpProtocolOptions,
  registerHttpMethod,
  serverRow(
    "LimitRequestLine",
    "limitRequestLine",
    HOST,
    "bytes",
    "The longest request line",
    number("LimitRequestLine", 0),
    1,
    { default: "8190" },
  ),
  serverRow(
    "LimitRequestFieldSize",
    "limitRequestFieldSize",
    HOST,
    "bytes",
    "The longest header field",
    number("LimitRequestFieldSize", 0),
    1,
    { default: "8190" },
  ),
  serverRow(
    "LimitRequestFields",
    "limitRequestFields",
    HOST,
    "number",
    "The most header fields; 0: no limit",
    number("LimitRequestFields", 0, 32767),
    1,
    { default: "100" },
  ),
  serverRow(
    "TraceEnable",
    "traceEnable",
    HOST,
    "on|off|extended",
    "Whether TRACE is answered, with a body too if extended",
    ([arg]) => oneOf(arg, ["on", "off", "extended"] as const),
    1,
    { default: "on" },
  ),
  serverRow(
    "MergeSlashes",
    "mergeSlashes",
    HOST,
    "On|Off",
    "Whether repeated slashes of a path count as one",
    ([arg]) => flag(arg),
    1,
    { default: "On" },
  ),
  serverRow(
    "AllowEncodedSlashes",
    "allowEncodedSlashes",
    HOST,
    "On|Off|NoDecode",
    "What becomes of %2F in a path",
    ([arg]) => oneOf(arg, ["off", "on", "nodecode"] as const),
    1,
    { default: "Off" },
  ),
];
