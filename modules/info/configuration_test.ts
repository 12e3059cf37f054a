// How is a configuration shown? As Debian's apache2 2.4.71 shows the same lines.

import { assertEquals } from "@std/assert";
import { configurationHtml } from "./configuration.ts";

const node = (file: string, line: number, name: string, raw: string) => ({ name, args: [], raw, file, line });
const NODES = [
  node("a.conf", 1, "Listen", "80"),
  {
    ...node("a.conf", 12, "Directory", '"/srv"'),
    children: [
      node("a.conf", 13, "Require", "all granted"),
      { ...node("a.conf", 14, "Files", "*.x"), children: [node("b&.conf", 1, "Header", 'set X "<b>"')] },
      { ...node("a.conf", 19, "Files", "*.y"), children: [] },
    ],
  },
];

Deno.test("info: lines, numbers, files, sections with something in them", () => {
  const shown = configurationHtml(NODES).replaceAll("&nbsp;", "_").replaceAll(/<\/?(?:dd|tt)>/g, "");
  assertEquals(shown.split("\n"), [
    "<strong>In file: a.conf</strong>",
    "___1:_Listen <i>80</i>",
    "__12:_&lt;Directory &quot;/srv&quot;&gt;",
    "__13:___Require <i>all granted</i>",
    "__14:___&lt;Files *.x&gt;",
    "<strong>In file: b&amp;.conf</strong>",
    "___1:_____Header <i>set X &quot;&lt;b&gt;&quot;</i>",
    "<strong>In file: a.conf</strong>",
    "____:___&lt;/Files&gt;",
    "____:_&lt;/Directory&gt;",
    "",
  ]);
});

Deno.test("info: the directives of one module, with the sections around them", () => {
  const shown = configurationHtml(NODES, new Set(["header"])).replaceAll("&nbsp;", "");
  assertEquals([...shown.matchAll(/^<dd><tt>\d*:(\S+)/gm)].map(([, what]) => what), [
    "&lt;Directory",
    "&lt;Files",
    "Header",
    "&lt;/Files&gt;</tt></dd>",
    "&lt;/Directory&gt;</tt></dd>",
  ]);
});
