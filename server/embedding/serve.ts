// How does a program run a server? serve(): the control process is a child of the program, which speaks with it over a channel, so that
// nothing of the server (signals, descriptors, exit codes) gets into the program's own process.

import {
  type ControlChannel,
  type ControlMessage,
  ControlServer,
} from "../../mpm/control/control_channel.ts";
import {
  OWNER_VARIABLE,
  type OwnerMessage,
  type ServerMessage,
  type ServerStatus,
} from "./owner_messages.ts";

/** What serve() takes beside the program. */
export interface ServeOptions {
  /**
   * Where to listen: `[host:]port`, or `unix:/path`; several, if it is a list. Port 0 is one that is free. Default: 8080, on all addresses.
   * With `config` its Listen lines are used instead.
   */
  readonly listen?: string | number | readonly (string | number)[];
  /** Default: the platform's (event on Linux). */
  readonly mpm?: "prefork" | "worker" | "event" | "mpm_winnt" | "mpm_netware" | "mpmt_os2";
  /** A configuration file, in which the program answers what no section gives to somebody else. */
  readonly config?: string;
  /** Default: the current directory; with `config`, the directory of mod.ts. */
  readonly serverRoot?: string;
  /** Lines of configuration, such as `ThreadsPerChild 2`, after those of the file. */
  readonly directives?: readonly string[];
  /** The program is a folder with a single-page application: see --spa. */
  readonly spa?: boolean;
  /** A line on standard output for each request. Default: false. */
  readonly accessLog?: boolean;
  /** Where standard output and standard error of the server and its applications go. Default: where those of this program go. */
  readonly output?: "inherit" | "null";
  /** Stops the server. */
  readonly signal?: AbortSignal;
}

/** How to stop. */
export interface StopOptions {
  /** Requests in hand may take this long (ms) to be finished; 0: they are cut off. Default: 5000. */
  readonly grace?: number;
}

/** Where a server listens. */
export interface ServerAddress {
  /** `http://127.0.0.1:8080/`, or `unix:/path`. */
  readonly url: string;
  /** An address; "" for a Unix-domain socket. */
  readonly hostname: string;
  /** The real one where 0 was asked for; 0 for a Unix-domain socket. */
  readonly port: number;
}

/** A server that does not start, or a restart that fails; the message is what the command line would say. */
export class ServerError extends Error {
  override readonly name = "ServerError";
}

const GRACE_MS = 5000;

/** A server that runs. */
export class Server implements AsyncDisposable {
  /** Where it listens, the first `Listen` first. */
  readonly addresses: readonly ServerAddress[];
  /** Resolved when it has ended, however that came. */
  readonly finished: Promise<Deno.CommandStatus>;
  readonly #channel: ControlChannel;
  #ended = false;
  /** Those who wait for an answer, in order. */
  readonly #statuses: PromiseWithResolvers<ServerStatus>[] = [];
  readonly #restarts: PromiseWithResolvers<void>[] = [];

  /** @ignore */
  constructor(
    channel: ControlChannel,
    messages: AsyncGenerator<ControlMessage>,
    addresses: readonly string[],
    status: Promise<Deno.CommandStatus>,
  ) {
    this.#channel = channel;
    this.addresses = addresses.map(addressOf);
    this.finished = this.#finish(messages, status);
  }

  async #finish(
    messages: AsyncGenerator<ControlMessage>,
    status: Promise<Deno.CommandStatus>,
  ): Promise<Deno.CommandStatus> {
    for await (const message of messages) this.#hear(message as unknown as ServerMessage);
    this.#ended = true;
    this.#channel.close();
    const ended = await status;
    const error = new ServerError(`the server has ended (exit code ${ended.code})`);
    for (const { reject } of [...this.#statuses.splice(0), ...this.#restarts.splice(0)]) reject(error);
    return ended;
  }

  #hear(message: ServerMessage): void {
    if (message.type === "status") this.#statuses.shift()?.resolve(message.status);
    if (message.type !== "restarted") return;
    // One restart answers everybody who has asked for one meanwhile.
    for (const { resolve, reject } of this.#restarts.splice(0)) {
      if (message.failure === undefined) resolve();
      else reject(new ServerError(message.failure));
    }
  }

  #send(message: OwnerMessage): void {
    if (this.#ended) throw new ServerError("the server has ended");
    this.#channel.send({ ...message });
  }

  /** What the server does right now. @throws ServerError when it has ended */
  async status(): Promise<ServerStatus> {
    this.#send({ type: "status" });
    const answer = Promise.withResolvers<ServerStatus>();
    this.#statuses.push(answer);
    return await answer.promise;
  }

  /**
   * Loads program and configuration anew, and resolves when the new generation serves; no request is lost. A connection that a client
   * keeps open may get one more answer of the old one, within a second, which closes it.
   * @throws ServerError with the reason when it cannot be loaded: the old one goes on serving then
   */
  async restart(): Promise<void> {
    this.#send({ type: "graceful" });
    const answer = Promise.withResolvers<void>();
    this.#restarts.push(answer);
    await answer.promise;
  }

  /** Stops the server, and resolves when it has ended. */
  async stop({ grace = GRACE_MS }: StopOptions = {}): Promise<void> {
    if (this.#ended) return void await this.finished;
    this.#send({ type: grace > 0 ? "graceful-stop" : "stop" });
    const timer = grace > 0
      ? setTimeout(() => this.#ended || this.#send({ type: "stop" }), grace)
      : undefined;
    await this.finished;
    clearTimeout(timer);
  }

  /** stop(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function addressOf(url: string): ServerAddress {
  const parsed = url.startsWith("unix:") ? null : URL.parse(url);
  if (parsed === null) return { url, hostname: "", port: 0 };
  return { url, hostname: parsed.hostname.replace(/^\[|\]$/g, ""), port: Number(parsed.port || 80) };
}

/** A file as it is, a URL of a file as its path. @throws TypeError for anything else */
function operandOf(program: string | URL): string {
  if (typeof program === "function" || typeof program === "object" && !(program instanceof URL)) {
    throw new TypeError(
      "serve() takes the name of a module, not what it exports: each server thread loads it",
    );
  }
  const text = String(program);
  if (text.startsWith("file:")) {
    return decodeURIComponent(new URL(text).pathname).replace(/^\/(?=[A-Za-z]:)/, "");
  }
  return text.startsWith("-") ? `./${text}` : text;
}

function argumentsOf(program: string | URL, options: ServeOptions): string[] {
  const { listen = [], mpm, config, serverRoot, directives = [], spa, accessLog } = options;
  return [
    ...[listen].flat().flatMap((address) => ["--listen", String(address)]),
    ...mpm === undefined ? [] : ["--mpm", mpm],
    ...config === undefined ? [] : ["-f", config],
    ...serverRoot === undefined ? [] : ["-d", serverRoot],
    ...directives.flatMap((line) => ["-c", line]),
    ...spa ? ["--spa"] : [],
    ...accessLog ? ["--access-log"] : [],
    operandOf(program),
  ];
}

/**
 * Starts a server for `program`, a module in one of the forms that the command line takes, or a folder, and resolves when it serves.
 * It ends with this program, however that ends. The program needs the permission to run Deno (`--allow-run`), and read, write and sys for the
 * channel; the server itself runs with all.
 *
 * ```ts
 * import { serve } from "./mod.ts";
 *
 * await using server = await serve("./app.ts", { listen: "127.0.0.1:0" });
 * const response = await fetch(server.addresses[0].url);
 * console.log(await response.text());
 * ```
 *
 * @param program a file, relative to the current directory, or a `file:` URL (`new URL("./app.ts", import.meta.url)`)
 * @throws ServerError with what the command line would say: a program that does not load, a port in use, a wrong line
 * @throws TypeError for what is no name of a module
 */
export async function serve(program: string | URL, options: ServeOptions = {}): Promise<Server> {
  const args = argumentsOf(program, options);
  options.signal?.throwIfAborted();
  if (Deno.build.standalone) {
    throw new ServerError(
      "serve() cannot start Deno in a compiled program; compile the application with the server",
    );
  }
  const control = await ControlServer.open();
  const connected = Promise.withResolvers<[ControlChannel, AsyncGenerator<ControlMessage>]>();
  const address = control.expect((channel, messages) => connected.resolve([channel, messages]));
  const { output = "inherit" } = options;
  let process: Deno.ChildProcess;
  try {
    const entry = new URL("../../mod.ts", import.meta.url).href;
    process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", entry, ...args],
      env: { [OWNER_VARIABLE]: JSON.stringify(address) },
      stdin: "null",
      stdout: output,
      stderr: output,
    }).spawn();
  } catch (error) {
    control.close();
    throw error;
  }
  const ended = process.status;
  const first = await Promise.race([connected.promise, ended]);
  control.close();
  if (!Array.isArray(first)) {
    throw new ServerError(`the server has ended before it said anything (exit code ${first.code})`);
  }
  const [channel, messages] = first;
  const abort = () => channel.send({ type: "stop" });
  options.signal?.addEventListener("abort", abort, { once: true });
  const forget = () => options.signal?.removeEventListener("abort", abort);
  ended.then(forget);
  const said = await messages.next();
  const message = said.done ? undefined : said.value as unknown as ServerMessage;
  if (message?.type === "serving") return new Server(channel, messages, message.addresses, ended);
  channel.close();
  const { code } = await ended;
  options.signal?.throwIfAborted();
  throw new ServerError(
    message?.type === "failed" ? message.reason : `the server has ended before it served (exit code ${code})`,
  );
}
