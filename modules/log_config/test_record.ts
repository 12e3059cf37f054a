// What does a request look like to the tests of this folder?

import type { LogRecord } from "./record.ts";

/** The combined format of httpd's configuration. */
export const COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"';

/** Texts by name, for the methods of a record. */
export interface Texts {
  readonly requestHeaders?: Readonly<Record<string, string>>;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  readonly cookies?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly notes?: Readonly<Record<string, string>>;
  readonly requestTrailers?: Readonly<Record<string, string>>;
  readonly responseTrailers?: Readonly<Record<string, string>>;
  readonly original?: LogRecord;
}

/** A GET that was answered with 200, with what `changes` and `texts` say instead. */
export function record(changes: Partial<LogRecord> = {}, texts: Texts = {}): LogRecord {
  const made: LogRecord = {
    clientAddress: "192.0.2.1",
    peerAddress: "192.0.2.9",
    localAddress: "198.51.100.2",
    clientPort: 50_000,
    localPort: 8080,
    port: 80,
    requestLine: "GET /a/b?c=d HTTP/1.1",
    method: "GET",
    path: "/a/b",
    query: "c=d",
    protocol: "HTTP/1.1",
    status: 200,
    originalStatus: 200,
    bodyBytes: 1234,
    bytesIn: 100,
    bytesOut: 1500,
    startTime: new Date(2026, 2, 4, 5, 6, 7, 89).getTime() + 0.5,
    endTime: new Date(2026, 2, 4, 5, 6, 9, 7).getTime(),
    durationMicros: 1_917_500.9,
    firstByteMicros: 321.7,
    keepAliveCount: 3,
    connectionState: "+",
    user: undefined,
    filename: "/srv/a/b",
    handler: "default-handler",
    serverName: "example.org",
    requestedName: "www.example.org",
    pid: 17,
    tid: 31,
    logId: undefined,
    original: () => texts.original ?? made,
    requestHeader: (name) => texts.requestHeaders?.[name],
    responseHeader: (name) => texts.responseHeaders?.[name],
    requestTrailer: (name) => texts.requestTrailers?.[name],
    responseTrailer: (name) => texts.responseTrailers?.[name],
    cookie: (name) => texts.cookies?.[name],
    env: (name) => texts.env?.[name],
    note: (name) => texts.notes?.[name],
    ...changes,
  };
  return made;
}
