// How much processor time does a server use? The sum over its processes, from /proc; undefined where there is none.

/** Linux counts in hundredths of a second. */
const TICKS = 100;

/** Seconds that the process and all below it have used until now; those that ended count once their parent has waited for them. */
export function processorTime(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  let sum = 0;
  for (const each of tree(pid)) {
    try {
      // The name in parentheses may have blanks in it.
      const fields = Deno.readTextFileSync(`/proc/${each}/stat`).replace(/^.*\)/s, "").trim().split(" ");
      for (const i of [11, 12, 13, 14]) sum += Number(fields[i]) / TICKS;
    } catch (error) {
      if (!gone(error)) throw error;
    }
  }
  return sum;
}

function tree(pid: number): number[] {
  const found = [pid];
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const children = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim();
      if (children !== "") found.push(...children.split(" ").flatMap((child) => tree(Number(child))));
    }
  } catch (error) {
    if (!gone(error)) throw error;
  }
  return found;
}

/** It has ended while it was looked at. */
function gone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || /os error 3\b/.test(String(error));
}
