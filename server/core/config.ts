// What do the core directives set? The values with their defaults, per virtual host and per location.

import { ETAG_DEFAULT } from "../http/content/mod.ts";
import type { ServerTokens } from "../http/content/mod.ts";
import type { ReadTimeout } from "../http/engine/service.ts";
import { dirKey, serverKey, type Where } from "../config/mod.ts";

/** Whether TRACE is answered; "extended": also with a body. */
export type TraceEnable = "on" | "off" | "extended";

/** Values that hold for a whole virtual host; undefined: as in the main server, then the default. Times in ms. */
export interface CoreServer {
  documentRoot?: string;
  /** The line that says so. */
  documentRootAt?: Where;
  timeout?: number;
  keepAlive?: boolean;
  keepAliveTimeout?: number;
  maxKeepAliveRequests?: number;
  handshakeTimeout?: ReadTimeout;
  headTimeout?: ReadTimeout;
  bodyTimeout?: ReadTimeout;
  limitRequestLine?: number;
  limitRequestFieldSize?: number;
  limitRequestFields?: number;
  strict?: boolean;
  allow09?: boolean;
  lenientMethods?: boolean;
  /** Methods beside those that are known anyway. */
  registeredMethods?: ReadonlySet<string>;
  traceEnable?: TraceEnable;
  /** In lower case, in the order of preference. */
  protocols?: readonly string[];
  mergeSlashes?: boolean;
  allowEncodedSlashes?: "off" | "on" | "nodecode";
  mostRedirects?: number;
  // The following are for the main server only.
  pidFile?: string;
  serverTokens?: ServerTokens;
  /** Unset: on when some place shows the server's status or metrics. */
  extendedStatus?: boolean;
  seeRequestTail?: boolean;
  openFileCacheMax?: number;
  openFileCacheValid?: number;
  openFileCacheContent?: number;
}

/** The key of the core's values per virtual host. */
export const coreServer = serverKey<CoreServer>("core", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** ETagPart bits to be taken from what is around, then those to be added. */
export interface ETagForm {
  readonly add: number;
  readonly remove: number;
}

/** The parts of an ETag of `parts` after a FileETag. */
export function withForm(parts: number, { add, remove }: ETagForm): number {
  return parts & ~remove | add;
}

/** Two lines of FileETag, one after the other. */
export function joinedForm(first: ETagForm, second: ETagForm): ETagForm {
  return { add: withForm(first.add, second), remove: first.remove | second.remove };
}

/** Values that hold for a location. */
export interface CoreDir {
  /** ETagPart bits; 0: none. */
  fileETag: number;
  /** What FileETag changes here about those of the place around. */
  etagForm?: ETagForm;
  maxRanges: number;
  maxOverlaps: number;
  maxReversals: number;
  limitRequestBody: number;
  enableSendfile: boolean;
  handler: string | undefined;
  /** ForceType; "none": no. */
  forceType: string | undefined;
  /** AcceptPathInfo: a file may have a path behind its name. */
  acceptPathInfo: "on" | "off" | "default";
  /** AddDefaultCharset; "off": none is added. */
  defaultCharset: string | undefined;
}

const DIR_DEFAULTS: CoreDir = {
  fileETag: ETAG_DEFAULT,
  maxRanges: 200,
  maxOverlaps: 20,
  maxReversals: 20,
  limitRequestBody: 1_073_741_824,
  enableSendfile: false,
  handler: undefined,
  forceType: undefined,
  defaultCharset: undefined,
  acceptPathInfo: "default",
};

/** The key of the core's values per location; what a section leaves unset comes from the section around it. */
export const coreDir = dirKey<CoreDir>("core", {
  create: () => Object.create(DIR_DEFAULTS),
  merge(base, over) {
    const merged: CoreDir = Object.assign(Object.create(DIR_DEFAULTS), base, over);
    if (over.etagForm === undefined) return merged;
    merged.fileETag = withForm(base.fileETag, over.etagForm);
    if (base.etagForm !== undefined) merged.etagForm = joinedForm(base.etagForm, over.etagForm);
    return merged;
  },
});

/** Defaults of the values per virtual host (http-core.md 1, 4, 5). */
export const CORE_DEFAULTS = {
  timeout: 60_000,
  keepAlive: true,
  keepAliveTimeout: 5000,
  maxKeepAliveRequests: 100,
  handshakeTimeout: { initial: 0, max: 0, minRate: 0 },
  headTimeout: { initial: 20_000, max: 40_000, minRate: 500 },
  bodyTimeout: { initial: 20_000, max: 0, minRate: 500 },
  limitRequestLine: 8190,
  limitRequestFieldSize: 8190,
  limitRequestFields: 100,
  strict: true,
  allow09: true,
  lenientMethods: true,
  registeredMethods: new Set<string>(),
  traceEnable: "on",
  protocols: ["http/1.1"],
  mergeSlashes: true,
  allowEncodedSlashes: "off",
  mostRedirects: 10,
  pidFile: "logs/httpd.pid",
  serverTokens: "Full",
  seeRequestTail: false,
  openFileCacheMax: 1000,
  openFileCacheValid: 0,
  openFileCacheContent: 65_536,
} as const satisfies Omit<Required<CoreServer>, "documentRoot" | "documentRootAt" | "extendedStatus">;
