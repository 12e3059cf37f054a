// Which names may an expression use? Tables of variables, functions and operators; whoever reads an expression and whoever
// evaluates it take the names from here.

/** `%{NAME}`; found whatever the case. */
export const VARIABLES = [
  "API_VERSION",
  "AUTH_TYPE",
  "CONN_LOG_ID",
  "CONN_REMOTE_ADDR",
  "CONTENT_TYPE",
  "CONTEXT_DOCUMENT_ROOT",
  "CONTEXT_PREFIX",
  "DOCUMENT_ROOT",
  "DOCUMENT_URI",
  "HANDLER",
  "HTTP2",
  "HTTPS",
  "HTTP_ACCEPT",
  "HTTP_COOKIE",
  "HTTP_FORWARDED",
  "HTTP_HOST",
  "HTTP_PROXY_CONNECTION",
  "HTTP_REFERER",
  "HTTP_USER_AGENT",
  "IPV6",
  "IS_SUBREQ",
  "LAST_MODIFIED",
  "PATH_INFO",
  "QUERY_STRING",
  "REMOTE_ADDR",
  "REMOTE_HOST",
  "REMOTE_IDENT",
  "REMOTE_PORT",
  "REMOTE_USER",
  "REQUEST_FILENAME",
  "REQUEST_LOG_ID",
  "REQUEST_METHOD",
  "REQUEST_SCHEME",
  "REQUEST_STATUS",
  "REQUEST_URI",
  "SCRIPT_FILENAME",
  "SCRIPT_GROUP",
  "SCRIPT_USER",
  "SERVER_ADMIN",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
  "SERVER_PROTOCOL_VERSION",
  "SERVER_PROTOCOL_VERSION_MAJOR",
  "SERVER_PROTOCOL_VERSION_MINOR",
  "SERVER_SOFTWARE",
  "THE_REQUEST",
  "TIME",
  "TIME_DAY",
  "TIME_HOUR",
  "TIME_MIN",
  "TIME_MON",
  "TIME_SEC",
  "TIME_WDAY",
  "TIME_YEAR",
] as const;

/** The name of a variable. */
export type VariableName = typeof VARIABLES[number];

/** `name(word)` and `%{name:text}`, with the number of arguments; found whatever the case. */
export const FUNCTIONS = {
  base64: 1,
  env: 1,
  escape: 1,
  file: 1,
  filemod: 1,
  filesize: 1,
  http: 1,
  ldap: 1,
  md5: 1,
  note: 1,
  osenv: 1,
  replace: 3,
  req: 1,
  req_novary: 1,
  reqenv: 1,
  resp: 1,
  sha1: 1,
  tolower: 1,
  toupper: 1,
  unbase64: 1,
  unescape: 1,
  /** Of server-side includes (mod_include). */
  v: 1,
} as const;

/** The name of a function. */
export type FunctionName = keyof typeof FUNCTIONS;

/** Operators of one word, `-d` and so on; case counts. -R is another kind, for its argument is a network. */
export const UNARY = ["A", "F", "L", "T", "U", "d", "e", "f", "h", "n", "s", "x", "z"] as const;

/** The name of an operator of one word. */
export type UnaryName = typeof UNARY[number];

/** The member of `names` that is `name` whatever its case. */
export function foundIn<N extends string>(names: readonly N[], name: string): N | undefined {
  const lower = name.toLowerCase();
  return names.find((known) => known.toLowerCase() === lower);
}
