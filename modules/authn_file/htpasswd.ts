// How does a user get into a password file? The command htpasswd, with httpd's letters and exit codes.

import {
  CommandError,
  newPassword,
  oldPassword,
  readLines,
  runCommand,
  writeLine,
} from "./password_prompt.ts";
import { hashPassword, matches } from "./passwords.ts";

const USAGE = `Usage:
        mpmd htpasswd [-cimBs] [-C cost] passwordfile username
        mpmd htpasswd -b[cmBs] [-C cost] passwordfile username password
        mpmd htpasswd -n[imBs] [-C cost] username
        mpmd htpasswd -nb[mBs] [-C cost] username password
        mpmd htpasswd -v[i] passwordfile username
        mpmd htpasswd -D passwordfile username
 -c  Create a new file.
 -n  Don't update file; display results on stdout.
 -b  Use the password from the command line rather than prompting for it.
 -i  Read password from stdin without verification (for script usage).
 -m  Use APR's MD5 (for other servers that read the file; it is weak).
 -B  Use bcrypt (default).
 -C  Set the computing time used for bcrypt (4 to 17, default 10).
 -s  Use SHA-1 (insecure).
 -D  Delete the specified user.
 -v  Verify password for the specified user.
`;

/** What the letters say. */
interface Wish {
  readonly letters: ReadonlySet<string>;
  readonly cost: number;
  readonly operands: readonly string[];
}

const COST = 10;
const LONGEST = 255;

/** @throws CommandError */
function parse(args: readonly string[]): Wish {
  const letters = new Set<string>();
  let cost = COST;
  let at = 0;
  for (; at < args.length && /^-./.test(args[at]); at++) {
    for (let i = 1; i < args[at].length; i++) {
      const letter = args[at][i];
      if (letter === "C") {
        const text = args[at].slice(i + 1) || args[++at];
        cost = Number(text);
        if (!/^\d+$/.test(text ?? "") || cost < 4 || cost > 17) {
          throw new CommandError("argument to -C must be a number from 4 to 17", 2);
        }
        break;
      }
      if (!"cnbimBsDv".includes(letter)) throw new CommandError("", 2);
      letters.add(letter);
    }
  }
  const operands = args.slice(at);
  const wanted = (letters.has("n") ? 1 : 2) + (letters.has("b") ? 1 : 0);
  const file = ["c", "D", "v"].filter((letter) => letters.has(letter));
  if (operands.length !== wanted || file.length > 1 || (file.length > 0 && letters.has("n"))) {
    throw new CommandError("", 2);
  }
  return { letters, cost, operands };
}

/** Runs `mpmd htpasswd ...args` and returns its exit code. */
export function htpasswd(args: readonly string[]): Promise<number> {
  return runCommand("htpasswd", USAGE, async () => {
    const { letters, cost, operands } = parse(args);
    const [path, user, given] = letters.has("n") ? ["", ...operands] : operands;
    if (user.length > LONGEST) throw new CommandError(`username must be ${LONGEST} characters or fewer`, 5);
    if (/[:\n\r]/.test(user)) throw new CommandError("username contains an illegal character", 6);
    if (letters.has("D")) return remove(path, user);
    if (letters.has("v")) return await verify(path, user, given);
    const password = given ?? (letters.has("i") ? oldPassword() : newPassword());
    if (password.length > LONGEST) {
      throw new CommandError(`password must be ${LONGEST} characters or fewer`, 5);
    }
    const hash = await hashPassword(
      letters.has("s") ? "sha" : letters.has("m") ? "apr1" : "bcrypt",
      password,
      cost,
    );
    if (letters.has("n")) {
      console.log(`${user}:${hash}`);
      return 0;
    }
    const known = writeLine(path, letters.has("c"), `${user}:`, hash);
    console.error(`${known ? "Updating" : "Adding"} password for user ${user}`);
    return 0;
  });
}

function remove(path: string, user: string): number {
  const known = writeLine(path, false, `${user}:`, undefined);
  console.error(known ? `Deleting password for user ${user}` : `User ${user} not found`);
  return 0;
}

async function verify(path: string, user: string, given: string | undefined): Promise<number> {
  const line = readLines(path).find((text) => text.startsWith(`${user}:`));
  if (line === undefined) throw new CommandError(`user ${user} not found`, 6);
  const bytes = new TextEncoder().encode(given ?? oldPassword());
  const matched = await matches(String.fromCharCode(...bytes), line.slice(user.length + 1).split(":", 1)[0]);
  if (!matched) throw new CommandError("password verification failed", 3);
  console.error(`Password for user ${user} correct.`);
  return 0;
}
