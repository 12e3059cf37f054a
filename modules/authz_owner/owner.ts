// To whom does the file of a request belong, by name?

import { system } from "../../platform/detect.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { lineFile } from "../authn_file/line_file.ts";

/** Names of owner and group, as far as the system has names for them. */
export interface Owner {
  readonly user: string | undefined;
  readonly group: string | undefined;
}

/** The third field of such files is the number. */
function nameOf(file: string, id: number | null): string | undefined {
  return lineFile(file).lines().map((line) => line.split(":")).find(([, , number]) => Number(number) === id)
    ?.[0];
}

/** undefined: there is no such file, or the system has no owners. */
export function ownerOf({ filename }: Exchange): Owner | undefined {
  if (system === "windows" || filename === "") return undefined;
  try {
    const { uid, gid } = Deno.statSync(filename);
    return { user: nameOf("/etc/passwd", uid), group: nameOf("/etc/group", gid) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
