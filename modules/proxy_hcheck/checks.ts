// Is a member of a balancer well? mod_proxy_hcheck: asked in an interval, by one thread of all, whether requests are made or not; what is found
// out holds for all.

import type { Balancer, Member } from "../proxy_balancer/balancer.ts";
import { STATUS_BITS } from "../proxy_balancer/balancer.ts";
import { Word } from "../proxy_balancer/shared_members.ts";

/** Defaults: interval (ms), checks that must pass or fail one after the other. */
const INTERVAL_MS = 30_000;
/** How long (ms) a check may take where the member has no timeout. */
const PATIENCE_MS = 10_000;

/** The address to connect to, by the platform. */
function target({ config: { url } }: Member): Deno.ConnectOptions | Deno.UnixConnectOptions {
  if (url.socket !== undefined) return { transport: "unix", path: url.socket };
  return { hostname: url.host, port: url.port ?? 80 };
}

/** Asks a member once. Returns why it is not well; undefined: it is. */
async function check(member: Member): Promise<string | undefined> {
  const { values, url } = member.config;
  const { method = "NONE", uri = "/" } = values.checks ?? {};
  let conn: Deno.Conn | undefined;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    conn?.close();
  }, values.timeout ?? PATIENCE_MS);
  try {
    const to = target(member);
    conn = "path" in to ? await Deno.connect(to) : await Deno.connect(to);
    if (late) return "it takes too long";
    if (method === "TCP") return undefined;
    const host = `${url.host.includes(":") ? `[${url.host}]` : url.host}${
      url.port === undefined ? "" : `:${url.port}`
    }`;
    const request =
      `${method} ${uri} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nUser-Agent: mpmd (health check)\r\n\r\n`;
    await conn.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(4096);
    const n = await conn.read(buffer);
    const line = new TextDecoder().decode(buffer.subarray(0, n ?? 0));
    return /^HTTP\/1\.\d [23]\d\d/.test(line) ? undefined : `it answers ${JSON.stringify(line.slice(0, 40))}`;
  } catch (error) {
    return late ? "it takes too long" : error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
    if (!late) conn?.close();
  }
}

/** Begins to look after the members that want it. Returns what ends that. */
export function startChecks(
  balancers: readonly Balancer[],
  log: (level: "info" | "warn", ah: string, message: string) => void,
): () => void {
  const timers = balancers.flatMap(({ members }) =>
    members.flatMap((member) => {
      const { checks } = member.config.values;
      if (checks?.method === undefined || checks.method === "NONE") return [];
      const interval = checks.interval ?? INTERVAL_MS;
      return [setInterval(() => look(member, interval, log), Math.max(100, interval / 2))];
    })
  );
  return () => timers.forEach(clearInterval);
}

/** Checks `member` if it is due and nobody else does. */
async function look(
  member: Member,
  interval: number,
  log: (level: "info" | "warn", ah: string, message: string) => void,
): Promise<void> {
  const { record, config: { url, values } } = member;
  const last = record.get(Word.Checked);
  // Tenths of a second, of a day.
  const time = Math.floor(Date.now() / 100) % 864_000 + 1;
  if (last !== 0 && (time - last + 864_000) % 864_000 < interval / 100) return;
  if (!record.exchange(Word.Checked, last, time)) return;
  const problem = await check(member);
  const { passes = 1, fails = 1 } = values.checks ?? {};
  if (problem === undefined) {
    record.set(Word.Fails, 0);
    if (record.add(Word.Passes, 1) >= passes && member.has(STATUS_BITS.checkFailed)) {
      member.change(STATUS_BITS.checkFailed, false);
      member.noteSuccess();
      log("info", "AH03302", `Health check ENABLING ${url.text}`);
    }
    return;
  }
  record.set(Word.Passes, 0);
  if (record.add(Word.Fails, 1) >= fails && !member.has(STATUS_BITS.checkFailed)) {
    member.change(STATUS_BITS.checkFailed, true);
    log("warn", "AH03303", `Health check DISABLING ${url.text}: ${problem}`);
  }
}
