// What may be said of a backend, and of a balancer? The key=value parameters of ProxyPass, ProxySet and BalancerMember, under httpd's names.

import { ArgumentError, timeInterval } from "../../server/config/mod.ts";

/** Values of one backend; times in ms. What is undefined was not said. */
export interface WorkerValues {
  min?: number;
  max?: number;
  smax?: number;
  acquire?: number;
  ttl?: number;
  timeout?: number;
  connectionTimeout?: number;
  retry?: number;
  ping?: number;
  addressTtl?: number;
  keepalive?: boolean;
  disableReuse?: boolean;
  flushPackets?: "off" | "on" | "auto";
  loadFactor?: number;
  route?: string;
  redirect?: string;
  lbset?: number;
  status?: Partial<Record<StatusFlag, boolean>>;
  upgrade?: string;
  secret?: string;
  responseFieldSize?: number;
  checks?: CheckValues;
}

/** Health checks of a backend (mod_proxy_hcheck). */
export interface CheckValues {
  method?: "NONE" | "TCP" | "OPTIONS" | "HEAD" | "GET";
  passes?: number;
  fails?: number;
  /** ms. */
  interval?: number;
  uri?: string;
}

/** Letters of `status`. */
export type StatusFlag = "disabled" | "stopped" | "ignoreErrors" | "hotStandby" | "spare" | "drain" | "error";

const FLAGS: Readonly<Record<string, StatusFlag>> = {
  D: "disabled",
  S: "stopped",
  I: "ignoreErrors",
  H: "hotStandby",
  R: "spare",
  N: "drain",
  E: "error",
};

/** Values of a balancer; times in ms. */
export interface BalancerValues {
  stickySession?: string;
  stickySeparator?: string;
  noFailover?: boolean;
  timeout?: number;
  maxAttempts?: number;
  lbmethod?: string;
  failOnStatus?: readonly number[];
  failOnTimeout?: boolean;
  nonce?: string;
  forceRecovery?: boolean;
}

type Setter<V> = (values: V, text: string) => void;

function count(text: string, min: number, max: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < min || Number(text) > max) {
    throw new ArgumentError(`takes a number from ${min} to ${max}, not '${text}'`);
  }
  return Number(text);
}

function onOff(text: string): boolean {
  if (/^on$/i.test(text)) return true;
  if (/^off$/i.test(text)) return false;
  throw new ArgumentError(`must be On|Off, not '${text}'`);
}

function interval(text: string, unit: "s" | "ms", min = 0): number {
  const ms = timeInterval(text, unit);
  if (ms < min) throw new ArgumentError(`must be at least ${min} ms`);
  return ms;
}

function flags(values: WorkerValues, text: string): void {
  const status = values.status ??= {};
  let on = true;
  for (const letter of text.toUpperCase()) {
    if (letter === "+" || letter === "-") on = letter === "+";
    else if (Object.hasOwn(FLAGS, letter)) status[FLAGS[letter]] = on;
    else throw new ArgumentError(`has the unknown flag '${letter}'; there are D, S, I, H, R, N and E`);
  }
}

function loadFactor(text: string): number {
  const factor = /^\d{1,3}(?:\.\d{1,2})?$/.test(text) ? Number(text) : 0;
  if (factor >= 1 && factor <= 100) return factor;
  throw new ArgumentError(`must be a number between 1..100, not '${text}'`);
}

function checkMethod(text: string): CheckValues["method"] {
  const method = text.toUpperCase().replace(/11$/, "");
  if (["NONE", "TCP", "OPTIONS", "HEAD", "GET"].includes(method)) return method as CheckValues["method"];
  throw new ArgumentError(`knows the methods NONE, TCP, OPTIONS, HEAD and GET, not '${text}'`);
}

/** Accepted; what it asks for is always so here, or there is nothing of the kind. */
const accepted = () => {};

const WORKER: Readonly<Record<string, Setter<WorkerValues>>> = {
  min: (values, text) => values.min = count(text, 0, 100_000),
  max: (values, text) => values.max = count(text, 1, 100_000),
  smax: (values, text) => values.smax = count(text, 0, 100_000),
  acquire: (values, text) => values.acquire = interval(text, "ms", 1),
  ttl: (values, text) => values.ttl = interval(text, "s", 1000),
  timeout: (values, text) => values.timeout = interval(text, "s", 1),
  connectiontimeout: (values, text) => values.connectionTimeout = interval(text, "s", 1),
  retry: (values, text) => values.retry = interval(text, "s"),
  ping: (values, text) => values.ping = interval(text, "s", 1),
  addressttl: (values, text) => values.addressTtl = interval(text, "s", 1),
  keepalive: (values, text) => values.keepalive = onOff(text),
  disablereuse: (values, text) => values.disableReuse = onOff(text),
  enablereuse: (values, text) => values.disableReuse = !onOff(text),
  flushpackets: (values, text) => {
    if (!/^(?:on|off|auto)$/i.test(text)) throw new ArgumentError("must be on|off|auto");
    values.flushPackets = text.toLowerCase() as WorkerValues["flushPackets"];
  },
  flushwait: accepted,
  flusher: accepted,
  iobuffersize: (_values, text) => void count(text, 512, 65_536 * 1024),
  receivebuffersize: (_values, text) => void count(text, 0, 65_536 * 1024),
  responsefieldsize: (values, text) => values.responseFieldSize = count(text, 1, 1 << 20),
  loadfactor: (values, text) => values.loadFactor = loadFactor(text),
  route: (values, text) => values.route = text,
  redirect: (values, text) => values.redirect = text,
  lbset: (values, text) => values.lbset = count(text, 0, 99),
  status: flags,
  upgrade: (values, text) => values.upgrade = text,
  secret: (values, text) => values.secret = text,
  hcmethod: (values, text) => (values.checks ??= {}).method = checkMethod(text),
  hcpasses: (values, text) => (values.checks ??= {}).passes = count(text, 1, 1000),
  hcfails: (values, text) => (values.checks ??= {}).fails = count(text, 1, 1000),
  hcinterval: (values, text) => (values.checks ??= {}).interval = interval(text, "s", 100),
  hcuri: (values, text) => {
    if (!text.startsWith("/")) throw new ArgumentError("must begin with a slash");
    (values.checks ??= {}).uri = text;
  },
};

const BALANCER: Readonly<Record<string, Setter<BalancerValues>>> = {
  stickysession: (values, text) => values.stickySession = text,
  stickysessionsep: (values, text) => {
    if (text.length !== 1) throw new ArgumentError("must be a single character");
    values.stickySeparator = text;
  },
  scolonpathdelim: (_values, text) => void onOff(text),
  nofailover: (values, text) => values.noFailover = onOff(text),
  timeout: (values, text) => values.timeout = interval(text, "s", 1),
  maxattempts: (values, text) => values.maxAttempts = count(text, 0, 99),
  lbmethod: (values, text) => values.lbmethod = text,
  failonstatus: (values, text) => values.failOnStatus = text.split(",").map((code) => count(code, 100, 599)),
  failontimeout: (values, text) => values.failOnTimeout = onOff(text),
  nonce: (values, text) => values.nonce = text,
  growth: accepted,
  forcerecovery: (values, text) => values.forceRecovery = onOff(text),
};

/** Reads `key=value` into `values`. @throws ArgumentError */
function read<V>(setters: Readonly<Record<string, Setter<V>>>, values: V, text: string, what: string): void {
  const at = text.indexOf("=");
  const key = text.slice(0, at).toLowerCase();
  if (at < 1) throw new ArgumentError(`Invalid parameter '${text}': it must be of the form key=value`);
  const set = Object.hasOwn(setters, key) ? setters[key] : undefined;
  if (set === undefined) throw new ArgumentError(`unknown ${what} parameter '${key}'`);
  try {
    set(values, text.slice(at + 1));
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(`${what} parameter ${key}: ${error.message}`);
  }
}

/** @throws ArgumentError */
export function readWorkerValue(values: WorkerValues, text: string): void {
  read(WORKER, values, text, "Worker");
}

/** @throws ArgumentError */
export function readBalancerValue(values: BalancerValues, text: string): void {
  read(BALANCER, values, text, "Balancer");
}
