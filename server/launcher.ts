// How does a child come to run as another user? Root starts a launcher, which gives up root's rights and then becomes the child
// by exec. So nothing that a child can influence is ever run by root, and a child has none of the files that root had opened:
// the caches of Deno, from which code is run, are among them. What the control process leaves to its children stays open.

import { becomeUser, type Identity, PrivilegeError, replaceProcess } from "../platform/privileges.ts";
import { LAUNCH_VARIABLE } from "./process_kind.ts";

/** httpd's APEXIT_CHILDFATAL: the server ends too. */
const FATAL = 15;

/** What to become. */
export interface Launch {
  readonly identity: Identity;
  readonly executable: string;
  readonly args: readonly string[];
}

/** Becomes what the variable says; ends the process with 15 and the reason on standard error when that cannot be. */
export function launch(): never {
  const { identity, executable, args } = JSON.parse(Deno.env.get(LAUNCH_VARIABLE)!) as Launch;
  Deno.env.delete(LAUNCH_VARIABLE);
  try {
    becomeUser(identity);
    return replaceProcess(executable, args);
  } catch (error) {
    if (!(error instanceof PrivilegeError)) throw error;
    console.error(error.message);
    Deno.exit(FATAL);
  }
}
