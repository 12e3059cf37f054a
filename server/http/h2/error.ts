// What can be wrong with what an HTTP/2 client sends, and whom does it cost: the stream or the connection? RFC 9113, 5.4 and 7.

/** Error codes of RST_STREAM and GOAWAY (RFC 9113, 7). */
export const ErrorCode = {
  NoError: 0,
  ProtocolError: 1,
  InternalError: 2,
  FlowControlError: 3,
  SettingsTimeout: 4,
  StreamClosed: 5,
  FrameSizeError: 6,
  RefusedStream: 7,
  Cancel: 8,
  CompressionError: 9,
  ConnectError: 10,
  EnhanceYourCalm: 11,
  InadequateSecurity: 12,
  Http11Required: 13,
} as const;

/** The connection cannot go on: GOAWAY with `code`, then it is closed. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";

  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** One stream cannot go on: RST_STREAM with `code`. */
export class StreamError extends Error {
  override readonly name = "StreamError";

  constructor(readonly stream: number, readonly code: number, message: string) {
    super(message);
  }
}
