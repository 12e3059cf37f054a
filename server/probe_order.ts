// What is a process told that loads a program ahead? A variable of its environment says it, and makes it one.

/** The variable that tells a probe what to do: the JSON of a ProbeOrder. */
export const PROBE_VARIABLE = "MPMD_PROBE";

/** What a probe is told. */
export interface ProbeOrder {
  readonly url: string;
  readonly args: readonly string[];
  /** Where the program runs. */
  readonly cwd: string;
  /** Stands before the result in its output; everything else there is the program's. */
  readonly token: string;
}
