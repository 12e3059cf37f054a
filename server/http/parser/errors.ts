// Which errors does the parser know, and which status and httpd message number has each?

/** One way in which a request can be wrong. */
export interface Fault {
  readonly status: number;
  /** httpd's message number, where httpd has one for this. */
  readonly ah?: string;
  /** For the error log. */
  readonly message: string;
  /** For the error page (httpd's `error-notes`); only where the client learns something from it. */
  readonly note?: string;
}

const LIMIT_NOTE = "Size of a request header field exceeds the server limit.";

/** Every fault the parser reports. Statuses: RFC 9110 §15, RFC 9112 §2-7; numbers: httpd's log messages. */
export const FAULTS = {
  // The request line.
  lineTooLong: {
    status: 414,
    ah: "AH00565",
    message: "request line exceeds LimitRequestLine",
    note: "The request line is longer than this server accepts.",
  },
  bareLineFeed: { status: 400, message: "line ended by LF without CR" },
  nulInLine: { status: 400, message: "NUL in the request line" },
  badMethod: { status: 400, ah: "AH03445", message: "method is empty or has a character that no token has" },
  missingTarget: { status: 400, ah: "AH03446", message: "request line has no URI" },
  badWhitespace: {
    status: 400,
    ah: "AH03447",
    message: "request line has white space that is not one blank",
  },
  excessWhitespace: { status: 400, ah: "AH03448", message: "request line has more blanks than it needs" },
  trailingText: { status: 400, ah: "AH03449", message: "request line has text after the protocol" },
  badTarget: { status: 400, ah: "AH03454", message: "control character in the URI" },
  badProtocol: { status: 400, ah: "AH02418", message: "protocol is not HTTP/ and a version" },
  rejected09: { status: 400, ah: "AH02401", message: "HTTP/0.9 request, but HttpProtocolOptions Require1.0" },
  method09: { status: 400, ah: "AH03444", message: "HTTP/0.9 request with a method other than GET" },
  unregisteredMethod: { status: 501, ah: "AH02423", message: "method is not registered" },
  unparsableUri: { status: 400, ah: "AH03450", message: "URI cannot be parsed" },
  foreignScheme: { status: 400, message: "absolute URI with a scheme that is neither http nor https" },
  fragment: { status: 400, ah: "AH02421", message: "URI with a fragment" },
  userinfo: { status: 400, ah: "AH02422", message: "URI with a user name or password" },
  // Header fields.
  fieldTooLong: {
    status: 400,
    ah: "AH00561",
    message: "header field exceeds LimitRequestFieldSize",
    note: LIMIT_NOTE,
  },
  foldedFieldTooLong: {
    status: 400,
    ah: "AH00562",
    message: "header field exceeds LimitRequestFieldSize after folding",
    note: LIMIT_NOTE,
  },
  mergedFieldTooLong: {
    status: 400,
    ah: "AH00560",
    message: "header field exceeds LimitRequestFieldSize after merging",
    note: LIMIT_NOTE,
  },
  tooManyFields: {
    status: 400,
    ah: "AH00563",
    message: "more header fields than LimitRequestFields",
    note: "The number of request header fields exceeds the server limit.",
  },
  noColon: { status: 400, ah: "AH00564", message: "header field without a colon" },
  badFieldName: { status: 400, ah: "AH02426", message: "header field name is not a token before a colon" },
  badFieldValue: { status: 400, ah: "AH02427", message: "control character in a header field value" },
  emptyFieldName: { status: 400, ah: "AH03453", message: "header field name is empty" },
  blankInFieldName: { status: 400, ah: "AH03452", message: "white space in a header field name" },
  brokenFieldValue: { status: 400, ah: "AH03451", message: "line break in a header field value" },
  foldBeforeField: { status: 400, ah: "AH03442", message: "folded line before the first header field" },
  emptyFold: { status: 400, ah: "AH03443", message: "folded line is empty" },
  // What the fields mean.
  missingHost: { status: 400, ah: "AH00569", message: "HTTP/1.1 request without a Host field" },
  badHost: { status: 400, ah: "AH00550", message: "malformed host name" },
  badHostCharacters: { status: 400, ah: "AH02415", message: "host name is not one of RFC 1123" },
  numericHost: { status: 400, ah: "AH02416", message: "host name is a number" },
  badTransferEncoding: { status: 400, ah: "AH02539", message: "Transfer-Encoding does not end in chunked" },
  badContentLength: { status: 400, ah: "AH10242", message: "Content-Length is not one number" },
  unknownExpectation: {
    status: 417,
    ah: "AH00570",
    message: "unknown expectation",
    note: "The only expectation this server knows is 100-continue.",
  },
  // The body.
  contentTooLarge: { status: 413, ah: "AH01588", message: "Content-Length exceeds LimitRequestBody" },
  chunksTooLarge: { status: 413, ah: "AH01591", message: "chunked body exceeds LimitRequestBody" },
  badChunk: { status: 400, ah: "AH01590", message: "chunk cannot be parsed" },
  chunkOverflow: { status: 413, ah: "AH01590", message: "chunk size or its line is too long" },
} as const satisfies Record<string, Fault>;

/** What is wrong with a request. The connection cannot be used for another one. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  /** HTTP status of the answer. */
  readonly status: number;
  /** httpd's message number ("AH00565"), undefined where httpd logs none. */
  readonly ah: string | undefined;
  /** A sentence for the error page, if the client is to learn more than the status says. */
  readonly note: string | undefined;
  /** Always true: after a protocol error nobody knows where the next request begins. */
  readonly close = true;

  constructor(fault: Fault) {
    super(fault.message);
    this.status = fault.status;
    this.ah = fault.ah;
    this.note = fault.note;
  }
}

/** The same error, as httpd reports it for a line of the trailer section (AH02656). */
export function inTrailer(error: ProtocolError): ProtocolError {
  return new ProtocolError({ status: 400, ah: "AH02656", message: `bad trailer: ${error.message}` });
}

/** The peer ended in the middle of a request (http-core.md 3: 400, sent if the client still reads). */
export const INCOMPLETE: ProtocolError = new ProtocolError({
  status: 400,
  message: "the request ended before it was complete",
});
