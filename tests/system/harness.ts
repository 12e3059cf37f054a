// How does a test start a real server? A directory of its own as ServerRoot, the real command line, a free port, and the
// certainty that nothing is left behind.

import { Buffer } from "node:buffer";
import { assert } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

/** The module that users start. */
export const ENTRY: string = fromFileUrl(new URL("../../mod.ts", import.meta.url));

/**
 * A port nobody listens on right now. Not one that the system picks: those are also the ports that clients get, one of which may have
 * taken it before the server does.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Waits until `condition` gives something other than undefined or false. Fails after `seconds` with what was awaited. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  seconds = 20,
): Promise<NonNullable<T>> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false && value !== null) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The value of `promise`. Fails after `seconds` with what was awaited: a test that hangs says nothing. */
export async function inTime<T>(what: string, promise: Promise<T>, seconds = 30): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${seconds} s for ${what}`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a server is started with. */
export interface ServerSetup {
  /** Text of conf/httpd.conf; `@PORT@` is replaced. */
  readonly config?: string;
  /** Files below ServerRoot; `@ROOT@` and `@PORT@` are replaced in them too. */
  readonly files?: Readonly<Record<string, string>>;
  /** Arguments instead of `-d ROOT`; `@ROOT@` and `@PORT@` are replaced. */
  readonly args?: readonly string[];
  /** A command that runs the server, with its arguments; the server's are appended. */
  readonly within?: readonly string[];
  /** A command that becomes the server (by exec), with its arguments. */
  readonly launcher?: readonly string[];
  /** Variables of the server's environment; `@ROOT@` and `@PORT@` are replaced. */
  readonly env?: Readonly<Record<string, string>>;
  /** Mode of ServerRoot and the directories below; default: only the user of the test enters them. */
  readonly mode?: number;
  /** What `@PORT@` is; default: a free port. */
  readonly port?: number;
}

/** Runs the command line to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ENTRY, ...args],
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A server that runs. */
export class TestServer {
  #stderr = "";
  readonly #reading: Promise<void>;

  private constructor(
    readonly root: string,
    readonly port: number,
    readonly process: Deno.ChildProcess,
    /** The process is that of a command that runs the server. */
    readonly within: boolean,
  ) {
    this.#reading = this.#read();
  }

  static async start(setup: ServerSetup): Promise<TestServer> {
    const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
    if (setup.mode !== undefined) await Deno.chmod(root, setup.mode);
    const port = setup.port ?? freePort();
    const fill = (text: string) => text.replaceAll("@PORT@", String(port)).replaceAll("@ROOT@", root);
    await Deno.mkdir(join(root, "conf"));
    await Deno.mkdir(join(root, "logs"));
    if (setup.config !== undefined) {
      await Deno.writeTextFile(join(root, "conf/httpd.conf"), fill(setup.config));
    }
    for (const [name, content] of Object.entries(setup.files ?? {})) {
      const path = join(root, name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await Deno.writeTextFile(path, fill(content));
      // A file that may change within its second has a weak tag: which one a test sees would depend on how long the start takes.
      await Deno.utime(path, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
    }
    const env = Object.entries(setup.env ?? {}).map(([name, value]) => [name, fill(value)]);
    const args = setup.args?.map(fill) ?? ["-d", root];
    const [command, ...before] = [...setup.within ?? setup.launcher ?? [], Deno.execPath()];
    const process = new Deno.Command(command, {
      args: [...before, "run", "-A", ENTRY, ...args],
      env: Object.fromEntries(env),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const server = new TestServer(root, port, process, setup.within !== undefined);
    await until("the server to answer", async () => {
      const ended = await Promise.race([process.status, Promise.resolve(undefined)]);
      if (ended !== undefined) throw new Error(`the server ended with ${ended.code}: ${server.stderr}`);
      const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
      connection?.close();
      return connection !== undefined;
    });
    return server;
  }

  async #read(): Promise<void> {
    for await (const text of this.process.stderr.pipeThrough(new TextDecoderStream())) this.#stderr += text;
  }

  /** What the server has said on standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Of the server, also within a command. */
  get pid(): number {
    return this.within ? childrenOf(this.process.pid)[0] : this.process.pid;
  }

  url(path = "/"): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** The text of a log file, "" while there is none. */
  log(name: string): string {
    try {
      return Deno.readTextFileSync(this.path(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /** Sends `request` as it is and returns everything up to the end of the connection. */
  async raw(request: string): Promise<string> {
    const connection = await Connection.open(this.port);
    await connection.send(request);
    const answer = await connection.readAll();
    connection.close();
    return answer;
  }

  /** The body of `path`, asked for on a connection of its own. Fails unless the status is 200. */
  async get(path = "/"): Promise<string> {
    const answer = await this.raw(`GET ${path} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n`);
    assert(answer.startsWith("HTTP/1.1 200 "), answer.slice(0, 200));
    return answer.slice(answer.indexOf("\r\n\r\n") + 4);
  }

  /** Asks for a graceful restart, as an administrator of this system would. */
  async restartGracefully(): Promise<void> {
    if (Deno.build.os === "windows") await runCommand(["-d", this.root, "-k", "graceful"]);
    else this.process.kill("SIGUSR1");
  }

  /** Process ids of the children. Linux. */
  children(): number[] {
    return childrenOf(this.pid);
  }

  /** Stops the server with `signal` and waits for its end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      // Windows knows no such signal: there it would cut the process off.
      if (Deno.build.os === "windows") await runCommand(["-d", this.root, "-k", "stop"]);
      else if (this.within) { for (const pid of childrenOf(this.process.pid)) Deno.kill(pid, signal); }
      else this.process.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
    const status = await this.process.status;
    await this.#reading;
    return status;
  }

  /** Whatever happened: no process and no file of this test stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.root, { recursive: true });
  }
}

/** The content of a body in chunks. */
export function unchunked(text: string): string {
  let rest = text;
  let content = "";
  for (;;) {
    const found = /^([0-9a-f]+)\r\n/.exec(rest);
    if (found === null || found[1] === "0") return content;
    const length = parseInt(found[1], 16);
    content += rest.slice(found[0].length, found[0].length + length);
    rest = rest.slice(found[0].length + length + 2);
  }
}

/** The children of a process. Linux. */
export function childrenOf(pid: number): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) === pid && state !== "Z") found.push(Number(name));
    } catch (error) {
      // It ended while we looked.
      if (!(error instanceof Deno.errors.NotFound) && !/os error 3/.test(String(error))) throw error;
    }
  }
  return found;
}

/** Open descriptors of a process. Linux. */
export function descriptorCount(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** A client connection under full control of the test. */
export class Connection {
  #text = "";

  private constructor(readonly conn: Deno.TcpConn) {}

  static async open(port: number): Promise<Connection> {
    return new Connection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    for (let sent = 0; sent < bytes.length;) sent += await this.conn.write(bytes.subarray(sent));
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65536);
    const n = await inTime("an answer", this.conn.read(buffer));
    if (n !== null) this.#text += Buffer.from(buffer.buffer, 0, n).toString("latin1");
    return n !== null;
  }

  /** One response with a Content-Length (or none): head and body. */
  async response(): Promise<{ head: string; body: string }> {
    while (!this.#text.includes("\r\n\r\n")) {
      assert(await this.#more(), `the connection ended after ${JSON.stringify(this.#text)}`);
    }
    const split = this.#text.indexOf("\r\n\r\n") + 4;
    const head = this.#text.slice(0, split);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    while (this.#text.length < split + length) {
      assert(await this.#more(), "the connection ended within a body");
    }
    const body = this.#text.slice(split, split + length);
    this.#text = this.#text.slice(split + length);
    return { head, body };
  }

  /** Everything until the peer closes. */
  async readAll(): Promise<string> {
    while (await this.#more());
    const text = this.#text;
    this.#text = "";
    return text;
  }

  close(): void {
    this.conn.close();
  }
}

/** The figures of ?auto, by name. The connection that asks for them is closed: it holds no slot afterwards. */
export async function status(server: TestServer): Promise<Map<string, string>> {
  const text = await server.get("/server-status?auto");
  return new Map(
    text.split("\n").filter((line) => line.includes(":")).map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
}

const GET = "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n";

/** A server that ends closes connections that have been idle for a second: a client that was so slow itself has to ask again. */
const SLOW_MS = 900;

/** `count` requests over `connections` keep-alive connections. Returns how many were answered 200, and the connections that broke. */
export async function load(port: number, connections: number, count: number) {
  let left = count;
  let answered = 0;
  let broken = 0;
  await Promise.all(Array.from({ length: connections }, async () => {
    let connection = await Connection.open(port);
    let since = performance.now();
    let used = false;
    const renew = async () => {
      connection.close();
      connection = await Connection.open(port);
      used = false;
    };
    try {
      while (left-- > 0) {
        const slow = used && performance.now() - since > SLOW_MS;
        // The server counts from its answer, which may have waited for this process to read it.
        since = performance.now();
        let answer = await ask(connection, slow);
        if (answer === undefined) {
          await renew();
          answer = await ask(connection, false);
        }
        used = true;
        if (answer!.startsWith("HTTP/1.1 200 ")) answered++;
        if (/^connection: close/im.test(answer!)) await renew();
      }
    } catch {
      // What breaks is counted: the tests say how much may.
      broken++;
    } finally {
      connection.close();
    }
  }));
  return { answered, broken };
}

/** The head of the answer; undefined when there is none and `may` says that this is no fault of the server. */
async function ask(connection: Connection, may: boolean): Promise<string | undefined> {
  try {
    await connection.send(GET);
    return (await connection.response()).head;
  } catch (error) {
    if (may) return undefined;
    throw error;
  }
}
