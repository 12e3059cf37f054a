// What does an access log know of a request? The interface between the formats and the server. A format reads only what it
// shows: what costs something to find out is a getter or a method, and is not evaluated otherwise.

/**
 * One request that has been answered. Texts are as they came over the wire, a character a byte (ISO 8859-1), not escaped;
 * undefined: there is none, which a log shows as "-".
 */
export interface LogRecord {
  /** Textual addresses of client and server; `peerAddress` is who is connected, the client's proxy for example. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly clientPort: number;
  readonly localPort: number;
  /** The port of the canonical name. */
  readonly port: number;
  /** As received, without line end; undefined if nothing was received. */
  readonly requestLine: string | undefined;
  readonly method: string | undefined;
  /** Decoded, without the query. */
  readonly path: string | undefined;
  /** Without its question mark; "" if there is none. */
  readonly query: string;
  /** "HTTP/1.1" */
  readonly protocol: string;
  /** Of the final response, and before internal redirects. */
  readonly status: number;
  readonly originalStatus: number;
  /** Body bytes sent, without framing. */
  readonly bodyBytes: number;
  /** Bytes of the whole messages; undefined while the server does not count them. */
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
  /** Milliseconds since 1970, possibly with a fraction: begin of the request, and now. */
  readonly startTime: number;
  readonly endTime: number;
  /** Microseconds from the begin of the request until now. */
  readonly durationMicros: number;
  /** Microseconds until the first byte of the response; undefined while the server does not measure it. */
  readonly firstByteMicros: number | undefined;
  /** Requests on the connection before this one. */
  readonly keepAliveCount: number;
  /** Broken off, may stay open, will be closed. */
  readonly connectionState: "X" | "+" | "-";
  /** Who has authenticated; may be "". */
  readonly user: string | undefined;
  readonly filename: string | undefined;
  readonly handler: string | undefined;
  /** The canonical name of the virtual host, and the one that UseCanonicalName gives. */
  readonly serverName: string;
  readonly requestedName: string;
  readonly pid: number;
  readonly tid: number;
  /** The number in the error log of a message about this request. */
  readonly logId: string | undefined;
  /** The request before internal redirects; itself if there were none. */
  original(): LogRecord;
  /** Names of fields are in lower case; fields that came several times are joined by ", ". */
  requestHeader(name: string): string | undefined;
  responseHeader(name: string): string | undefined;
  requestTrailer(name: string): string | undefined;
  responseTrailer(name: string): string | undefined;
  cookie(name: string): string | undefined;
  /** A variable of the request's environment. */
  env(name: string): string | undefined;
  /** What one module left for another. */
  note(name: string): string | undefined;
}
