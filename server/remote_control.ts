// How does -k reach a server where there are no signals? A file beside the pid file names a port on loopback and a token; who
// can read the file (its owner) may say what the server shall do.

import type { RemoteAction } from "../mpm/mod.ts";

/** Only there while a server runs that is controlled this way. */
export function controlFile(pidFile: string): string {
  return `${pidFile}.control`;
}

/** A server's end, until end() is called. Returns that function. @throws what Deno.listen and Deno.writeTextFileSync throw */
export function openRemoteControl(path: string, carryOut: (action: RemoteAction) => void): () => void {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const token = crypto.randomUUID();
  Deno.writeTextFileSync(path, JSON.stringify({ port: listener.addr.port, token }), { mode: 0o600 });
  serve(listener, token, carryOut);
  return () => {
    listener.close();
    Deno.removeSync(path);
  };
}

async function serve(
  listener: Deno.Listener,
  token: string,
  carryOut: (action: RemoteAction) => void,
): Promise<void> {
  for await (const connection of listener) {
    const action = await heard(connection, token).catch(() => undefined);
    connection.close();
    if (action !== undefined) carryOut(action);
  }
}

/** What a connection asks for; anybody may connect, and only who knows the token is answered. */
async function heard(connection: Deno.Conn, token: string): Promise<RemoteAction | undefined> {
  const buffer = new Uint8Array(256);
  const n = await connection.read(buffer);
  const [said, action] = new TextDecoder().decode(buffer.subarray(0, n ?? 0)).trimEnd().split(" ");
  if (said !== token || !isAction(action)) return undefined;
  await connection.write(new TextEncoder().encode("ok\n"));
  return action;
}

function isAction(action: string): action is RemoteAction {
  return ["stop", "restart", "graceful", "graceful-stop"].includes(action);
}

/** Tells the server of `path` to do `action`. Returns whether it has heard. */
export async function sendRemote(path: string, action: RemoteAction): Promise<boolean> {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const { port, token } = JSON.parse(text) as { port: number; token: string };
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(`${token} ${action}\n`));
    return await connection.read(new Uint8Array(8)) !== null;
  } catch (error) {
    // Left behind by a server that was killed.
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
