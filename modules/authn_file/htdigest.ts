// How does a user get into a file for HTTP Digest? The command htdigest, as httpd's.

import { CommandError, newPassword, runCommand, writeLine } from "./password_prompt.ts";
import { realmDigest } from "./passwords.ts";

const USAGE = `Usage: mpmd htdigest [-c] passwordfile realm username
The -c flag creates a new file.
`;

const binary = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/** Runs `mpmd htdigest ...args` and returns its exit code. */
export function htdigest(args: readonly string[]): Promise<number> {
  return runCommand("htdigest", USAGE, () => {
    const create = args[0] === "-c";
    const [path, realm, user, ...more] = create ? args.slice(1) : args;
    if (user === undefined || more.length > 0) throw new CommandError("", 1);
    for (const [what, text] of [["realm", realm], ["username", user]]) {
      if (/[:\n\r]/.test(text)) throw new CommandError(`${what} contains an illegal character`, 1);
    }
    console.error(`${create ? "Adding" : "Changing"} password for user ${user} in realm ${realm}.`);
    const hash = realmDigest(binary(user), binary(realm), binary(newPassword()));
    writeLine(path, create, `${user}:${realm}:`, hash);
    return Promise.resolve(0);
  });
}
