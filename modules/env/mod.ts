// Which variables have the requests of a place? mod_env: SetEnv, PassEnv, UnsetEnv.

import { environmentVariable } from "../../platform/environment.ts";
import { ArgumentError, type Context, type Directive, dirKey } from "../../server/config/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";

/** Values by name; undefined: taken away again. */
const envDir = dirKey<{ variables: ReadonlyMap<string, string | undefined> }>("env", {
  create: () => ({ variables: new Map() }),
  merge: (base, over) => ({ variables: new Map([...base.variables, ...over.variables]) }),
});

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const directives: readonly Directive[] = [{
  name: "SetEnv",
  contexts: EVERYWHERE,
  args: [1, 2],
  syntax: "SetEnv variable [value]",
  help: "Sets a variable of the requests here",
  override: "FileInfo",
  apply([name, value = ""], to) {
    if (name === "") throw new ArgumentError("SetEnv needs the name of a variable");
    const values = to.dir.get(envDir);
    values.variables = new Map([...values.variables, [name, value]]);
  },
}, {
  name: "PassEnv",
  contexts: EVERYWHERE,
  args: [1, Infinity],
  syntax: "PassEnv variable [variable] ...",
  help: "Gives the requests here variables of the server's environment",
  override: "FileInfo",
  apply(names, to, where) {
    const values = to.dir.get(envDir);
    for (const name of names) {
      const value = environmentVariable(name);
      if (value !== undefined) values.variables = new Map([...values.variables, [name, value]]);
      else to.warnings.push({ ...where, message: `AH01506: PassEnv variable ${name} was undefined` });
    }
  },
}, {
  name: "UnsetEnv",
  contexts: EVERYWHERE,
  args: [1, Infinity],
  syntax: "UnsetEnv variable [variable] ...",
  help: "Takes variables away that SetEnv or PassEnv have set",
  override: "FileInfo",
  apply(names, to) {
    const values = to.dir.get(envDir);
    const removed = names.map((name) => [name, undefined] as const);
    values.variables = new Map([...values.variables, ...removed]);
  },
}];

export const env: ServerModule = {
  name: "env_module",
  source: "mod_env.c",
  directives,
  hooks: () => ({
    fixups(exchange) {
      const { variables } = exchange.dir.get(envDir);
      if (variables.size === 0) return undefined;
      const environment = exchange.environment ??= new Map();
      for (const [name, value] of variables) if (value !== undefined) environment.set(name, value);
      return undefined;
    },
  }),
};
