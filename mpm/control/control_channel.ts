// How do the control process and a child talk? Over a socket of their own, so that nothing a handler prints or reads can
// come between: JSON, one message a line. The end of the stream says that the other side is gone.
//
// On Unix the socket lives in a directory of its own, and only the user of the children may connect; elsewhere it is on loopback.
// In both cases a child shows the token that only it was given, and a token is good for one connection. Children may be another
// user's, and run code of others: what they send is held to the protocol, in form and length.

import { dirname, join } from "node:path";
import { system } from "../../platform/detect.ts";
import { giveTo, type Identity } from "../../platform/privileges.ts";
import { processExists } from "../../platform/signals.ts";

/** A child that has not shown its token after this long is none (ms). */
const GREETING_MS = 5000;
/** The longest message of a child, in characters; an order may be longer, by its configuration. */
const LONGEST = 1 << 20;

/** The other side does not speak this protocol. */
export class ProtocolBreach extends Error {
  override readonly name = "ProtocolBreach";
}

/** A message of either side. */
export interface ControlMessage {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Where a child finds its control process, and how it is recognised. */
export interface ControlAddress {
  readonly path?: string;
  readonly port?: number;
  readonly token: string;
}

/** One side of the channel. */
export class ControlChannel {
  readonly #connection: Deno.Conn;
  readonly #encoder = new TextEncoder();
  #sending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Queues a message; messages arrive whole and in order. What is sent to a side that is gone is dropped: its end is seen by messages(). */
  send(message: ControlMessage): void {
    const bytes = this.#encoder.encode(JSON.stringify(message) + "\n");
    this.#sending = this.#sending.then(() => this.#write(bytes));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return;
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
    } catch {
      this.close();
    }
  }

  /** Everything queued has been written. */
  flushed(): Promise<void> {
    return this.#sending;
  }

  /** The other side's messages, of up to `longest` characters, until it closes or dies. @throws ProtocolBreach */
  async *messages(longest = Infinity): AsyncGenerator<ControlMessage> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65536);
    let text = "";
    for (;;) {
      const n = await this.#connection.read(buffer).catch(() => null);
      if (n === null) return;
      text += decoder.decode(buffer.subarray(0, n), { stream: true });
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) yield messageIn(line);
      if (text.length > longest) throw new ProtocolBreach(`a message of more than ${longest} characters`);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }
}

function messageIn(line: string): ControlMessage {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch (error) {
    throw new ProtocolBreach((error as Error).message);
  }
  if (typeof message !== "object" || message === null) throw new ProtocolBreach("a message is an object");
  return message as ControlMessage;
}

/** The control process's end: it waits for children that show their token. */
export class ControlServer {
  readonly #expected: Map<
    string,
    (channel: ControlChannel, messages: AsyncGenerator<ControlMessage>) => void
  > = new Map();

  private constructor(
    readonly listener: Deno.Listener,
    readonly address: { path?: string; port?: number },
    readonly directory: string | undefined,
  ) {
    this.#accept();
  }

  static async open(): Promise<ControlServer> {
    if (system === "windows") {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      return new ControlServer(listener, { port: listener.addr.port }, undefined);
    }
    const directory = await Deno.makeTempDir({ prefix: `mpmd-${Deno.pid}-` });
    await removeAbandoned(dirname(directory));
    const path = join(directory, "control");
    return new ControlServer(Deno.listen({ transport: "unix", path }), { path }, directory);
  }

  /** From now on children of `identity` connect; undefined: those of this process's user. */
  admit(identity: Identity | undefined): void {
    if (this.directory === undefined || identity === undefined) return;
    // Through the directory, which cannot be listed, to the socket, which is its user's.
    Deno.chmodSync(this.directory, 0o711);
    giveTo(this.address.path!, identity);
  }

  /** The address for one more child; `onConnect` gets its channel and the messages that follow its greeting. */
  expect(
    onConnect: (channel: ControlChannel, messages: AsyncGenerator<ControlMessage>) => void,
  ): ControlAddress {
    const token = crypto.randomUUID();
    this.#expected.set(token, onConnect);
    return { ...this.address, token };
  }

  /** A child that was expected died before it connected. */
  forget(address: ControlAddress): void {
    this.#expected.delete(address.token);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.listener) this.#greet(new ControlChannel(connection));
  }

  async #greet(channel: ControlChannel): Promise<void> {
    const messages = channel.messages(LONGEST);
    // A stranger on the loopback port may send anything, or nothing; it is heard once, and not for long.
    const timer = setTimeout(() => channel.close(), GREETING_MS);
    const first = await messages.next().catch(() => undefined);
    clearTimeout(timer);
    const token = first?.done === false && first.value.type === "hello" ? String(first.value.token) : "";
    const onConnect = this.#expected.get(token);
    this.#expected.delete(token);
    if (onConnect === undefined) return channel.close();
    onConnect(channel, messages);
  }

  /** Stops listening and removes the socket. */
  close(): void {
    this.listener.close();
    if (this.directory !== undefined) Deno.removeSync(this.directory, { recursive: true });
  }
}

/** Removes what control processes of this user have left in `folder` that were killed: directories with their process id and nobody behind the socket. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const pid = isDirectory ? /^mpmd-(\d+)-/.exec(name)?.[1] : undefined;
    if (pid === undefined || processExists(Number(pid))) continue;
    const directory = join(folder, name);
    try {
      if (Deno.lstatSync(directory).uid !== Deno.uid()) continue;
      // The process may be in another container, where its number means something.
      if (await isAnswered(join(directory, "control"))) continue;
      Deno.removeSync(directory, { recursive: true });
    } catch (error) {
      // Another server has been faster.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The child's end. @throws what Deno.connect throws when there is no control process */
export async function connectControl(address: ControlAddress): Promise<ControlChannel> {
  const connection = address.path !== undefined
    ? await Deno.connect({ transport: "unix", path: address.path })
    : await Deno.connect({ hostname: "127.0.0.1", port: address.port! });
  const channel = new ControlChannel(connection);
  channel.send({ type: "hello", token: address.token });
  return channel;
}
