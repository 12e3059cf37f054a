// What does the configuration say when there is no file that says it? The lines for an application or a folder that was named on the
// command line: what conf/httpd.conf says of connections, and what somebody at a terminal expects of the rest.

import { resolve } from "@std/path";
import type { LocalCertificate } from "./development/trust.ts";
import { type Options, UsageError } from "./options.ts";

/** What a command line without a configuration file asks to be served. */
export interface Served {
  readonly kind: "application" | "folder";
  /** As given. */
  readonly name: string;
}

/** What is to be served without a configuration file; undefined: a file is read. @throws UsageError for options that do not go together */
export function servedWithoutFile(
  { application, args, configFile, https, spa, accessLog }: Options,
): Served | undefined {
  const kind = application !== undefined && isFolder(application) ? "folder" : "application";
  if (kind === "folder" && args.length > 0) {
    throw new UsageError(`the folder ${application} takes no arguments: ${args.join(" ")}`);
  }
  if (spa && kind !== "folder") throw new UsageError("--spa goes with a folder: mpmd --spa ./dist");
  if (application !== undefined && configFile === undefined) return { kind, name: application };
  if (https) {
    throw new UsageError(
      "--https is for a start without a configuration: use SSLEngine and SSLCertificateFile",
    );
  }
  if (accessLog) throw new UsageError("--access-log is for a start without a configuration: use CustomLog");
  if (kind === "application") return undefined;
  throw new UsageError(
    `-f and the folder ${application}: a configuration names its folder with DocumentRoot`,
  );
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    // Not there, or no name of a file: an application's name is looked at where applications are.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

const LOG_FORMAT = `%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"`;

/** The lines that stand for conf/httpd.conf. */
export function readyLines(
  served: Served,
  { listen, spa, accessLog }: Options,
  secured: LocalCertificate | undefined,
): string[] {
  const addresses = listen.length > 0 ? listen : ["8080"];
  return [
    ...addresses.map((address) => `Listen ${address}${secured === undefined ? "" : " https"}`),
    ...secured === undefined ? [] : [
      "SSLEngine on",
      `SSLCertificateFile ${JSON.stringify(secured.certificate)}`,
      `SSLCertificateKeyFile ${JSON.stringify(secured.key)}`,
    ],
    "ServerName localhost",
    "Timeout 60",
    "KeepAlive On",
    "KeepAliveTimeout 5",
    "MaxKeepAliveRequests 0",
    "PidFile none",
    "ErrorLog /dev/stderr",
    "LogLevel warn",
    ...accessLog ? [`CustomLog /dev/stdout "${LOG_FORMAT}"`] : [],
    ...served.kind === "folder" ? folderLines(resolve(served.name), spa) : [],
  ];
}

/**
 * Files, index files, and listings where there is no index file. What begins with a dot (.git, .env) is not there, but for
 * .well-known (RFC 8615).
 */
function folderLines(folder: string, spa: boolean): string[] {
  return [
    `DocumentRoot ${JSON.stringify(folder)}`,
    "DirectoryIndex index.html",
    "AddDefaultCharset utf-8",
    `RedirectMatch 404 "/\\.(?!well-known(?:/|$))"`,
    ...spa ? SPA_LINES : LISTING_LINES,
  ];
}

const LISTING_STYLE = "<meta name='viewport' content='width=device-width'>" +
  "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2em}th{text-align:left}" +
  "td,th{padding-right:2em}</style>";

const LISTING_LINES = [
  "Options Indexes FollowSymLinks",
  "IndexOptions FancyIndexing HTMLTable FoldersFirst VersionSort NameWidth=* SuppressIcon SuppressDescription",
  "IndexIgnore .*",
  `IndexHeadInsert "${LISTING_STYLE}"`,
];

/**
 * A path that is not there is one of the application's own when somebody navigates to it: a browser then says that it takes HTML, which
 * scripts, styles, pictures and fetch() do not say. A name with an extension is a file, and missing (the dot rule of
 * connect-history-api-fallback); for those no condition is asked, so that they are kept in memory as whole messages.
 */
const SPA_LINES = [
  "Options FollowSymLinks",
  "IndexForbiddenReturn404 On",
  `<LocationMatch "(?:^|/)[^./]*$">`,
  `<If "%{HTTP:Accept} =~ m#text/html#i">`,
  "FallbackResource /index.html",
  "</If>",
  "</LocationMatch>",
];
