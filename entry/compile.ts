// How is the server made one executable, with an application or without? `deno task compile [options of deno compile] [application]`. An
// application keeps its own Deno configuration: what is compiled stands in its folder, and the server is the bundle, which has no bare names.

import { basename, dirname, extname, fromFileUrl, join, resolve } from "@std/path";
import { bundleDirectory, BundleError, makeBundle } from "../server/bundle.ts";

/** Options of `deno compile` that take the argument behind them. */
const VALUED =
  /^(?:-o|--output|--target|--include|--exclude|--icon|-c|--config|--import-map|--ext|--cert|--app-name|--location)$/;
/** Those of them that name files. */
const FILES = /^(?:-o|--output|--include|--exclude|--icon|-c|--config|--import-map|--cert)$/;
const PERMISSION = /^(?:--(?:allow|deny)-|-[ARWNES]$)/;

/** A command line that makes no sense. */
class UsageError extends Error {}

/** What `args` say, with names of files as they are from `cwd`. @throws UsageError */
function parse(args: readonly string[], cwd: string): { flags: string[]; output?: string; program?: string } {
  const flags: string[] = [];
  let output: string | undefined;
  let program: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const [name, ...rest] = args[i].startsWith("--") ? args[i].split("=") : [args[i]];
    if (PERMISSION.test(name)) {
      throw new UsageError(
        `${name}: what the application may do is said when the server is started: ./app ${name}`,
      );
    }
    if (VALUED.test(name)) {
      const given = rest.length > 0 ? rest.join("=") : args[++i];
      if (given === undefined) throw new UsageError(`${name} needs a value`);
      const value = FILES.test(name) ? resolve(cwd, given) : given;
      if (name === "-o" || name === "--output") output = value;
      else flags.push(name, value);
    } else if (name.startsWith("-")) flags.push(args[i]);
    else if (program !== undefined) throw new UsageError(`one application, not ${program} and ${name}`);
    else program = resolve(cwd, name);
  }
  return { flags, output, program };
}

async function compile(args: readonly string[], cwd: string): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", "-A", "--no-check", ...args],
    cwd,
    stdin: "null",
  }).output().then(({ code, stdout, stderr }) => {
    Deno.stdout.writeSync(stdout);
    Deno.stderr.writeSync(stderr);
    return { code };
  });
  return code;
}

/** The server alone: it runs what its command line names. */
async function compileServer(flags: readonly string[], output: string): Promise<number> {
  const root = new URL("..", import.meta.url);
  const included = ["begin", "start", "thread"].flatMap((name) => ["--include", `entry/${name}.ts`]);
  return await compile([...flags, ...included, "-o", output, "mod.ts"], fromFileUrl(root));
}

/** The server with an application. Deno finds the configuration from the main module, which for that stands beside the application. */
async function compileWith(program: string, flags: readonly string[], output: string): Promise<number> {
  await makeBundle();
  const folder = dirname(program);
  const made = Deno.makeTempDirSync({ dir: folder, prefix: ".mpmd-" });
  const source = Deno.readTextFileSync(program);
  // What is compiled has another main module, and Deno has no way to say otherwise there.
  const asks = /\bimport\s*\.\s*meta\s*\.\s*main\b/.test(source);
  const module = asks ? join(folder, `${basename(made)}${extname(program)}`) : program;
  try {
    if (asks) Deno.writeTextFileSync(module, `import.meta.main = true; ${source}`);
    for (const { name } of Deno.readDirSync(bundleDirectory())) {
      Deno.copyFileSync(join(bundleDirectory(), name), join(made, name));
    }
    const main = join(made, "main.js");
    Deno.writeTextFileSync(
      main,
      `import { start } from "./start.js";
const program = new URL(${JSON.stringify(`../${basename(module)}`)}, import.meta.url).href;
start(Deno.args, import.meta.url, { program }).then((code) => Deno.exit(code));
`,
    );
    const included = [join(made, "thread.js"), join(made, "probe.js"), module].flatMap((
      name,
    ) => ["--include", name]);
    return await compile([...flags, ...included, "-o", output, main], folder);
  } finally {
    Deno.removeSync(made, { recursive: true });
    if (asks) Deno.removeSync(module);
  }
}

if (import.meta.main) {
  try {
    // A task runs where its deno.json is, and says from where it was started.
    const cwd = Deno.env.get("INIT_CWD") ?? Deno.cwd();
    const { flags, output, program } = parse(Deno.args, cwd);
    Deno.exitCode = program === undefined
      ? await compileServer(flags, output ?? resolve(cwd, "mpmd"))
      : await compileWith(program, flags, output ?? resolve(cwd, basename(program, extname(program))));
  } catch (error) {
    if (
      !(error instanceof UsageError || error instanceof BundleError || error instanceof Deno.errors.NotFound)
    ) {
      throw error;
    }
    console.error(`compile: ${error.message}`);
    Deno.exitCode = 1;
  }
}
