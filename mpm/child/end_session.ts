// What becomes of the SSL object of a connection that the listener closes? It is freed, by whoever owns the record.

import { SecureSessions } from "../../platform/secure_session.ts";
import type { ConnectionTable } from "../shared/connection_table.ts";

let sessions: SecureSessions | undefined;

/** Ends the session of a connection, if it has one; `orderly`: its client is told so. */
export function endSession(table: ConnectionTable, fd: number, orderly: boolean): void {
  const session = table.session(fd);
  if (session === 0n) return;
  table.setSession(fd, 0n);
  sessions ??= new SecureSessions();
  sessions.end(session, orderly);
}
