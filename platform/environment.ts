// Which variable of the environment is there, as far as this thread may know?

/** The value of `name`; undefined where there is none, it can be no name, or DenoPermissions withholds it. */
export function environmentVariable(name: string): string | undefined {
  // Deno.env.get() throws for names that no variable can have.
  if (/^$|[=\0]/.test(name)) return undefined;
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
