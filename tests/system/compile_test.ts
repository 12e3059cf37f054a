// Is an application with the server one executable, which has all it needs? Where `deno compile` has its runtime: CI makes the server an
// executable first, and that fetches it; DENORT_BIN names one elsewhere.

import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { denoDirectory } from "../../server/child_cache.ts";
import { freePort, until } from "./harness.ts";

const COMPILE = fromFileUrl(new URL("../../entry/compile.ts", import.meta.url));

function hasRuntime(): boolean {
  if (Deno.env.has("DENORT_BIN")) return true;
  try {
    const release = join(denoDirectory(), "dl/release", `v${Deno.version.deno}`);
    return [...Deno.readDirSync(release)].some(({ name }) => name.startsWith("denort"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const ignore = !hasRuntime();

const FILES: Readonly<Record<string, string>> = {
  "deno.json": '{ "imports": { "word": "./lib/word.ts", "@std/path": "./lib/word.ts" } }',
  "lib/word.ts": 'export const word: string = "its own";',
  "app/main.ts": `import { word } from "@std/path";
const late = await import("../lib/word.ts");
if (import.meta.main) {
  Deno.serve({ port: Number(Deno.args[0]) }, () => Response.json({ word, late: late.word, args: Deno.args }));
}
`,
  "app/none.ts": "export const nothing: number = 1;\n",
};

/** A folder with FILES, and what was compiled of one of them. */
class Compiled implements AsyncDisposable {
  private constructor(readonly root: string, readonly executable: string) {}

  static async of(program: string): Promise<Compiled> {
    const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
    for (const [name, text] of Object.entries(FILES)) {
      await Deno.mkdir(join(root, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, name), text);
    }
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", COMPILE, program, "-o", "../made"],
      cwd: join(root, "app"),
      env: { INIT_CWD: join(root, "app") },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    // Nothing that was made for it is left in the folder.
    assertEquals([...Deno.readDirSync(join(root, "app"))].map(({ name }) => name).sort(), [
      "main.ts",
      "none.ts",
    ]);
    for (const name of Object.keys(FILES)) await Deno.remove(join(root, name));
    return new Compiled(root, join(root, Deno.build.os === "windows" ? "made.exe" : "made"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

Deno.test({ name: "compile: an application with its own import map is one executable", ignore }, async () => {
  await using compiled = await Compiled.of("main.ts");
  const port = freePort();
  const process = new Deno.Command(compiled.executable, {
    args: [String(port), "--more"],
    cwd: compiled.root,
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const text = await until("an answer", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })
        .catch(() => undefined);
      return await response?.text();
    });
    assertEquals(JSON.parse(text), { word: "its own", late: "its own", args: [String(port), "--more"] });
  } finally {
    process.kill();
    await process.status;
  }
});

Deno.test({ name: "compile: a program that serves nothing is told at once", ignore }, async () => {
  await using compiled = await Compiled.of("none.ts");
  const { code, stderr } = await new Deno.Command(compiled.executable, { cwd: compiled.root }).output();
  assertEquals(code, 1);
  assertMatch(new TextDecoder().decode(stderr), /none\.ts is loaded and serves nothing: .*Deno\.serve/);
});

Deno.test("compile: a command line that makes no sense is told", async () => {
  const cases: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [["--allow-net", "./main.ts"], /--allow-net: .* when the server is started/],
    [["./main.ts", "./none.ts"], /one application, not .*main\.ts and .*none\.ts/],
    [["./nowhere.ts"], /nowhere\.ts/],
    [["-o"], /-o needs a value/],
  ];
  for (const [args, said] of cases) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", COMPILE, ...args],
    })
      .output();
    assertEquals(code, 1);
    assertMatch(new TextDecoder().decode(stderr), said);
  }
});
