// How is a server measured? Loopback, wrk with one thread, medians over rounds in which all peers take their turn. wrk counts answers and does not
// look at them: that is done before and after, and a server that answers wrongly has no figure.

import { type Socket, VerifiedLoad } from "../tests/load/client.ts";
import { VerifiedHttp2Load } from "../tests/load/http2_client.ts";
import { processorTime } from "./processor_time.ts";

/** A server that is measured. */
export interface Peer {
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  /** It speaks TLS, with a certificate that this authority (PEM) has signed. */
  readonly secured?: { readonly authority: string };
  readonly env?: Readonly<Record<string, string>>;
}

/** One load. */
export interface Scenario {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  /** One request per connection. */
  readonly close?: boolean;
  /** Over HTTP/2, by h2load: so many requests of each connection at once. */
  readonly streams?: number;
  /** Sent with POST, as JSON. */
  readonly body?: string;
  /** What every answer's body is. */
  readonly answer: Uint8Array;
}

/** So many answers are looked at each time. */
const SAMPLE = 200;

/** What wrk found: requests a second, latencies in microseconds, and the server's processor time per request in microseconds. */
export interface Result {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** NaN where it cannot be known. */
  readonly work: number;
}

function urlOf({ port, secured }: Peer, path: string): string {
  return `${secured === undefined ? "http" : "https"}://127.0.0.1:${port}${path}`;
}

const pids = new Map<Peer, number>();

/** One run of wrk. @throws Error when requests failed; httpd may close a connection now and then, mpmd may not */
export async function measure(
  peer: Peer,
  scenario: Scenario,
  seconds: number,
): Promise<Result> {
  await checkAnswers(peer, scenario);
  const result = await time(peer, scenario, seconds);
  await checkAnswers(peer, scenario);
  return result;
}

/** Many at once, each answer compared. @throws Error when one was wrong */
async function checkAnswers(
  { name, port, secured }: Peer,
  { path, body, close, answer, streams }: Scenario,
): Promise<void> {
  const question = {
    target: path,
    status: 200,
    answer,
    ...body === undefined ? { method: "GET" } : {
      method: "POST",
      body: new TextEncoder().encode(body),
      fields: [["Content-Type", "application/json"]] as const,
    },
  };
  const own = name.startsWith("mpmd");
  const options = {
    connect: async () => {
      if (secured === undefined) return await Deno.connect({ hostname: "127.0.0.1", port });
      const socket = await Deno.connectTls({
        hostname: "localhost",
        port,
        caCerts: [secured.authority],
        alpnProtocols: streams === undefined ? undefined : ["h2"],
      });
      return own ? socket : withoutFarewell(socket);
    },
    targets: [() => question],
    connections: 16,
    mayClose: !own,
  };
  const load = streams === undefined
    ? new VerifiedLoad({ ...options, close: close ? 0.9 : 0.05 })
    : new VerifiedHttp2Load({ ...options, streams: 4 });
  while (load.answers < SAMPLE && !load.failed) await new Promise((resolve) => setTimeout(resolve, 5));
  const { wrong } = await load.stop();
  for (const [what, { count, example }] of wrong) {
    throw new Error(`${name} answers wrongly, ${count} times ${what}: ${example}`);
  }
}

/** nginx closes without a word (close_notify), which is an end like any other here. */
function withoutFarewell(socket: Socket): Socket {
  return {
    read: (into) =>
      socket.read(into).catch((error) => {
        if (error instanceof Deno.errors.UnexpectedEof) return null;
        throw error;
      }),
    write: (bytes) => socket.write(bytes),
    closeWrite: () => socket.closeWrite(),
    close: () => socket.close(),
  };
}

async function time(peer: Peer, scenario: Scenario, seconds: number): Promise<Result> {
  if (scenario.streams !== undefined) return await timeHttp2(peer, scenario, seconds);
  const { name } = peer;
  const { path, connections, close, body } = scenario;
  const script = body === undefined ? undefined : await Deno.makeTempFile({ suffix: ".lua" });
  if (script !== undefined) {
    const headers = 'wrk.headers["Content-Type"] = "application/json"';
    await Deno.writeTextFile(script, `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\n${headers}\n`);
  }
  const before = processorTime(pids.get(peer)!);
  const { stdout } = await new Deno.Command("wrk", {
    args: [
      "-t1",
      `-c${connections}`,
      `-d${seconds}s`,
      "--latency",
      ...close ? ["-H", "Connection: close"] : [],
      ...script === undefined ? [] : ["-s", script],
      urlOf(peer, path),
    ],
  }).output();
  if (script !== undefined) await Deno.remove(script);
  const text = new TextDecoder().decode(stdout);
  if (/Non-2xx/.test(text) || (name.startsWith("mpmd") && /Socket errors/.test(text))) {
    throw new Error(`failed requests of ${name}:\n${text}`);
  }
  const latency = (percent: number) => {
    const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s|m)`).exec(text)!;
    return Number(value) * { us: 1, ms: 1000, s: 1_000_000, m: 60_000_000 }[unit]!;
  };
  const used = (processorTime(pids.get(peer)!) ?? NaN) - (before ?? NaN);
  const work = used / Number(/(\d+) requests in/.exec(text)![1]) * 1e6;
  return {
    work,
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]),
    p50: latency(50),
    p99: latency(99),
  };
}

/** One run of h2load, which tells no latencies but a mean. */
async function timeHttp2(
  peer: Peer,
  { path, connections, streams }: Scenario,
  seconds: number,
): Promise<Result> {
  const before = processorTime(pids.get(peer)!);
  const { stdout } = await new Deno.Command("h2load", {
    args: [`-c${connections}`, `-m${streams}`, "-D", String(seconds), urlOf(peer, path)],
  }).output();
  const text = new TextDecoder().decode(stdout);
  const [, total, failed, errored] = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(text)?.map(Number) ??
    [NaN, NaN, NaN, NaN];
  if (failed + errored !== 0 || !/Application protocol: h2/.test(text)) {
    throw new Error(`failed requests of ${peer.name}:\n${text}`);
  }
  const used = (processorTime(pids.get(peer)!) ?? NaN) - (before ?? NaN);
  return { work: used / total * 1e6, rate: total / seconds, p50: NaN, p99: NaN };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * Starts `peers`, waits until each answers `path` with 200, calls `body` with their process ids, and ends them.
 * @throws Error when one of them ends by itself
 */
export async function withPeers(
  peers: readonly Peer[],
  path: string,
  body: (pids: readonly number[]) => Promise<void>,
): Promise<void> {
  let ending = false;
  const processes = peers.map(({ command, args, env }) =>
    new Deno.Command(command, { args: [...args], env: { ...env }, stdout: "null", stderr: "piped" }).spawn()
  );
  const ends = processes.map(async (process, i) => {
    const [said] = await Promise.all([new Response(process.stderr).text(), process.status]);
    if (!ending) throw new Error(`${peers[i].name} has ended: ${said}`);
  });
  const running = async () => {
    for (const [i, peer] of peers.entries()) {
      pids.set(peer, processes[i].pid);
      await answers(peer, path);
    }
    await body(processes.map(({ pid }) => pid));
  };
  try {
    await Promise.race([running(), Promise.all(ends)]);
  } finally {
    ending = true;
    for (const process of processes) stop(process);
    await Promise.allSettled(ends);
  }
}

function stop(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGTERM");
  } catch (error) {
    // It is the one that has ended.
    if (!(error instanceof TypeError)) throw error;
  }
}

async function answers(peer: Peer, path: string): Promise<void> {
  const { name, secured } = peer;
  // Closes its connections at once: an idle one would hold a slot.
  using client = Deno.createHttpClient({
    poolMaxIdlePerHost: 0,
    caCerts: secured === undefined ? [] : [secured.authority],
  });
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(urlOf(peer, path), { client }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} does not answer`);
}
