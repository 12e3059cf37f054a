// Can a field name or value split a response, or text become markup?

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { escapeHtml, escapeHtmlAscii, isFieldName, isFieldValue } from "./field_value.ts";

const codes = Array.from({ length: 0x200 }, (_, c) => c);

Deno.test("field name: exactly the token characters of RFC 9110 §5.6.2", () => {
  const allowed = codes.filter((c) => isFieldName("x" + String.fromCharCode(c)));
  const expected = codes.filter((c) => c < 128 && /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)));
  assertEquals(allowed, expected);
});

Deno.test("field name: not empty", () => {
  assert(!isFieldName(""));
  assert(isFieldName("Content-Type"));
});

Deno.test("field value: tab, blank, visible ASCII and the bytes 80 to FF", () => {
  const allowed = codes.filter((c) => isFieldValue("a" + String.fromCharCode(c) + "b"));
  assertEquals(allowed, codes.filter((c) => c === 9 || (c >= 0x20 && c !== 0x7f && c <= 0xff)));
  assert(isFieldValue(""));
});

Deno.test("field value: characters that would be cut to CR or LF are refused", () => {
  for (const value of ["a\r\nX: y", "a\nb", "a\rb", "a\0", "a\u010ab", "a\u560d\u560ab", "\u{1f60a}"]) {
    assert(!isFieldValue(value), JSON.stringify(value));
  }
});

Deno.test("html: the five characters become entities, the rest stays", () => {
  assertStrictEquals(
    escapeHtml(`<a href="x" id='y'>&amp;é</a>`),
    "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;é&lt;/a&gt;",
  );
  assertStrictEquals(escapeHtml("plain"), "plain");
  assertStrictEquals(escapeHtml(""), "");
});

Deno.test("html: beyond ASCII numeric references on demand", () => {
  assertStrictEquals(escapeHtmlAscii("<é€😀>"), "&lt;&#233;&#8364;&#128512;&gt;");
  assertStrictEquals(escapeHtmlAscii("a\ud800b"), "a&#65533;b");
  assertStrictEquals(escapeHtmlAscii("plain"), "plain");
});

Deno.test("html: escaping can be undone and leaves nothing active", () => {
  const names: Record<string, string> = {
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",
    "&quot;": '"',
    "&#39;": "'",
  };
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", "é", ";") }), (text) => {
      const escaped = escapeHtml(text);
      assert(!/[<>"']/.test(escaped));
      assertStrictEquals(escaped.replace(/&[^;]+;/g, (entity) => names[entity]), text);
      const ascii = escapeHtmlAscii(text);
      assert(!/[^\0-\x7f]/.test(ascii));
      assertStrictEquals(ascii.replaceAll("&#233;", "é"), escaped);
    }),
  );
});
