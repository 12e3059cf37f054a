// Are sizes, widths and cells of a listing those that httpd has?

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Entry } from "./entries.ts";
import { renderListing, sizeText } from "./render.ts";
import { indexDir, IndexOption } from "./settings.ts";

const FANCY = IndexOption.FancyIndexing;

function entry(name: string, facts: Partial<Entry> = {}): Entry {
  return {
    name,
    isParent: false,
    isDirectory: name.endsWith("/"),
    size: 5,
    modified: new Date(2024, 4, 6, 7, 8, 9).getTime(),
    icon: undefined,
    alt: undefined,
    description: undefined,
    ...facts,
  };
}

function page(
  entries: readonly Entry[],
  options: number,
  settings: Partial<ReturnType<typeof indexDir.create>> = {},
) {
  return renderListing({
    path: "/a/",
    entries,
    settings: { ...indexDir.create(), ...settings },
    options,
    sorting: { key: "N", descending: false },
    repeated: "",
    header: undefined,
    readme: undefined,
    bare: false,
    signature: "",
  });
}

Deno.test("listing: sizes have four characters", () => {
  const expected: readonly (readonly [number, string])[] = [
    [-1, "  - "],
    [0, "  0 "],
    [972, "972 "],
    [973, "1.0K"],
    [1024, "1.0K"],
    [1536, "1.5K"],
    [9900, "9.7K"],
    [10_000, "9.8K"],
    [12_345, " 12K"],
    [995_000, "972K"],
    [999_999, "1.0M"],
    [2_345_678, "2.2M"],
    [5 * 1024 ** 3, "5.0G"],
  ];
  assertEquals(expected.map(([size]) => [size, sizeText(size)]), expected.map(([...row]) => row));
});

Deno.test("listing: names are cut and filled up, and cannot become markup", () => {
  const plain = page([entry('<b>"&.txt'), entry("a:b")], 0);
  assertStringIncludes(plain, '<li><a href="%3cb%3e%22&amp;.txt"> &lt;b&gt;&quot;&amp;.txt</a></li>');
  assertStringIncludes(plain, '<a href="./a:b">');
  const fancy = page(
    [entry("twenty-three-characters"), entry("twenty-four--characters-"), entry("x")],
    FANCY,
    {
      defaultIcon: "/i.gif",
    },
  );
  assertStringIncludes(fancy, '">twenty-three-characters</a> 2024-05-06 07:08    5   \n');
  assertStringIncludes(fancy, '">twenty-four--charact..&gt;</a> 2024');
  assertStringIncludes(fancy, `">x</a>${" ".repeat(23)}2024`);
  const wide = page([entry("twenty-four--characters-"), entry("x")], FANCY, { nameWidth: "*" });
  assertStringIncludes(wide, '">twenty-four--characters-</a> 2024');
  assertStringIncludes(wide, `">x</a>${" ".repeat(24)}2024`);
});

Deno.test("listing: descriptions are cut without their tags", () => {
  const long = entry("x", { description: "<b>a description</b> &amp; more than there is room for" });
  assertStringIncludes(page([long], FANCY), "<b>a description</b> &amp; more t>\n");
  assertStringIncludes(page([long], FANCY, { descriptionWidth: "*" }), "more than there is room for\n");
  assertStringIncludes(
    page([long], FANCY | IndexOption.HTMLTable),
    "<td><b>a description</b> &amp; more t></td>",
  );
});
