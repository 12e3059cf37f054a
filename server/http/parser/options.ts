// What can be configured about parsing requests, and what holds if it is not?

/**
 * The settings of a parser; one object serves all connections of a virtual host, and is not changed once in
 * use.
 */
export interface ParserOptions {
  /** LimitRequestLine: bytes of the request line without its CRLF (default 8190). */
  readonly limitRequestLine?: number;
  /**
   * LimitRequestFieldSize: bytes of a `name: value` line, a folded field, a merged value, a chunk-size line
   * (default 8190).
   */
  readonly limitRequestFieldSize?: number;
  /** LimitRequestFields: number of header fields; 0 = unlimited (default 100). */
  readonly limitRequestFields?: number;
  /** LimitRequestBody: bytes of the body; 0 = unlimited (default 1073741824). */
  readonly limitRequestBody?: number;
  /** HttpProtocolOptions Strict (true, default) or Unsafe (false). */
  readonly strict?: boolean;
  /** HttpProtocolOptions Allow0.9 (true, default) or Require1.0 (false). */
  readonly allow09?: boolean;
  /** HttpProtocolOptions LenientMethods (true, default) or RegisteredMethods (false). */
  readonly lenientMethods?: boolean;
  /** RegisterHttpMethod: methods that RegisteredMethods accepts besides the known ones (default none). */
  readonly registeredMethods?: ReadonlySet<string>;
}

/** httpd's defaults (2.4.54 and later). */
export const DEFAULT_PARSER_OPTIONS: Required<ParserOptions> = {
  limitRequestLine: 8190,
  limitRequestFieldSize: 8190,
  limitRequestFields: 100,
  limitRequestBody: 1073741824,
  strict: true,
  allow09: true,
  lenientMethods: true,
  registeredMethods: new Set(),
};

const resolved = new WeakMap<ParserOptions, Required<ParserOptions>>();

/**
 * `options` with the defaults filled in: the same object for the same `options`, so that connections share
 * it.
 */
export function resolveOptions(options: ParserOptions): Required<ParserOptions> {
  let full = resolved.get(options);
  if (full === undefined) {
    full = { ...DEFAULT_PARSER_OPTIONS, ...options };
    resolved.set(options, full);
  }
  return full;
}
