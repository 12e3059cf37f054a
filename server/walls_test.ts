// Does every part know only what is below it? Each file of platform/, mpm/, server/ and modules/ is read for what it names of the others;
// tests may name anything.

import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** What a part may name beside itself. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  platform: ["std"],
  mpm: ["platform", "std"],
  server: ["mpm", "platform", "std"],
  modules: ["server", "mpm", "platform", "std"],
};

/** What is named nevertheless: serve() starts a process with the program that is this server. */
const EXCEPTIONS: ReadonlySet<string> = new Set(["server/embedding/serve.ts names mod.ts"]);

/** Files that stand in quotes in `text`, relative to that file: imports of every form, and new URL(). */
function filesNamed(text: string): string[] {
  return [...text.matchAll(/(?:from|import|import\(|new URL\()\s*"(\.{1,2}\/[^"\n]*\.[jt]s)"/g)].map((
    [, name],
  ) => name);
}

function* sources(folder: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield new URL(name, folder);
  }
}

/** The path of a file of this repository, from its root. */
function inTree({ href }: URL): string {
  return href.slice(ROOT.href.length);
}

for (const [part, below] of Object.entries(BELOW)) {
  Deno.test(`${part}/ names ${below.join(", ")} and nothing else of this repository`, () => {
    const wrong: string[] = [];
    let named = 0;
    for (const file of sources(new URL(`${part}/`, ROOT))) {
      for (const name of filesNamed(Deno.readTextFileSync(file))) {
        const target = inTree(new URL(name, file));
        named++;
        const [to] = target.split("/");
        const found = `${inTree(file)} names ${target}`;
        if (to !== part && !below.includes(to) && !EXCEPTIONS.has(found)) wrong.push(found);
      }
    }
    assert(named > 10, "no imports were found");
    assertEquals(wrong, []);
  });
}

Deno.test("walls: each form in which a file is named is seen", () => {
  const text =
    'import { a } from "../a.ts";\nimport "./b.ts";\nexport * from "./c.ts";\nawait import("./d.ts"); new URL("../e.ts", import.meta.url)';
  assertEquals(filesNamed(text), ["../a.ts", "./b.ts", "./c.ts", "./d.ts", "../e.ts"]);
});
