// What does a server answer on one connection? A client that sends exact bytes, whole or one at a time, and takes apart what
// comes back until the server closes.

/** One response as received. */
export interface SeenResponse {
  readonly status: number;
  /** Status line and fields, with their line ends. */
  readonly head: string;
  /** Names in lower case; repeated fields joined by ", ". */
  readonly fields: ReadonlyMap<string, string>;
  /** ISO 8859-1, transfer coding removed. */
  readonly body: string;
}

/** How the bytes of a request are sent. */
export interface Sending {
  /** Every byte in a write of its own, without Nagle's delay. */
  readonly singly?: boolean;
  /** The client says that it sends no more, as soon as everything is sent. */
  readonly halfClose?: boolean;
}

/** A connection that neither ended nor went on in this time (ms) is a failure. */
const PATIENCE = 15_000;

/** The server did not close the connection. */
export class StillOpenError extends Error {
  override readonly name = "StillOpenError";
}

/** What was received until the end, and whether that was a reset instead of a close. */
export interface Conversation {
  readonly text: string;
  readonly reset: boolean;
}

/** Sends `bytes` and returns what is received until the server closes. @throws StillOpenError */
export async function converse(port: number, bytes: Uint8Array, how: Sending = {}): Promise<Conversation> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const received: Uint8Array[] = [];
  let late = false;
  let reset = false;
  const timer = setTimeout(() => {
    late = true;
    conn.close();
  }, PATIENCE);
  try {
    await Promise.all([send(conn, bytes, how), receive(conn, received)]);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) reset = true;
    else if (!late) throw error;
  } finally {
    clearTimeout(timer);
    if (!late) conn.close();
  }
  const text = latin1(received);
  if (late) throw new StillOpenError(`still open after ${JSON.stringify(text.slice(0, 1000))}`);
  return { text, reset };
}

async function send(conn: Deno.TcpConn, bytes: Uint8Array, { singly, halfClose }: Sending): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) {
      sent += await conn.write(bytes.subarray(sent, singly ? sent + 1 : bytes.length));
    }
    if (halfClose) await conn.closeWrite();
  } catch (error) {
    // The server may answer and close before everything is sent.
    if (!isClosed(error)) throw error;
  }
}

async function receive(conn: Deno.TcpConn, received: Uint8Array[]): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (;;) {
    const n = await conn.read(buffer);
    if (n === null) return;
    received.push(buffer.slice(0, n));
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.NotConnected;
}

function latin1(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder("latin1");
  // The decoder's "latin1" is windows-1252, which differs from ISO 8859-1 between 0x80 and 0x9f.
  return pieces.map((piece) =>
    piece.some((byte) => byte >= 0x80 && byte < 0xa0)
      ? Array.from(piece, (byte) => String.fromCharCode(byte)).join("")
      : decoder.decode(piece)
  ).join("");
}

/**
 * Takes apart the responses to requests with these `methods`; interim responses are left out. What is behind the last of
 * them is returned as `rest`.
 */
export function takeApart(
  text: string,
  methods: readonly string[],
): { responses: SeenResponse[]; interim: number; rest: string } {
  const responses: SeenResponse[] = [];
  let interim = 0;
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0 || !text.startsWith("HTTP/1.1 ", at)) break;
    const head = text.slice(at, end + 4);
    const fields = fieldsOf(head);
    const status = Number(head.slice(9, 12));
    at = end + 4;
    if (status < 200) {
      interim++;
      continue;
    }
    const bodiless = methods[responses.length] === "HEAD" || status === 204 || status === 304;
    const { body, next } = bodiless ? { body: "", next: at } : bodyAt(text, at, fields);
    responses.push({ status, head, fields, body });
    at = next;
  }
  return { responses, interim, rest: text.slice(at) };
}

function fieldsOf(head: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of head.split("\r\n").slice(1)) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}

function bodyAt(
  text: string,
  at: number,
  fields: ReadonlyMap<string, string>,
): { body: string; next: number } {
  if (fields.get("transfer-encoding") === "chunked") return chunkedAt(text, at);
  const length = fields.get("content-length");
  const next = length === undefined ? text.length : Math.min(text.length, at + Number(length));
  return { body: text.slice(at, next), next };
}

function chunkedAt(text: string, at: number): { body: string; next: number } {
  let body = "";
  for (;;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return { body, next: text.length };
    const size = parseInt(text.slice(at, line), 16);
    at = line + 2;
    if (size === 0) return { body, next: at + 2 };
    body += text.slice(at, at + size);
    at += size + 2;
  }
}
