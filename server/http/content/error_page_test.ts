// Is an error page built as http-core §12 says, and can nothing in a request become markup?

import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { errorPage, serverSignature } from "./error_page.ts";
import { reasonPhrase } from "./status.ts";

const request = { method: "GET", target: "/a?secret=1" };
const errors = Array.from({ length: 300 }, (_, i) => 300 + i).filter((status) =>
  reasonPhrase(status) !== undefined
);

Deno.test("error page: the whole document for 404", () => {
  assertStrictEquals(
    errorPage({ status: 404, ...request }),
    `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">
<html><head>
<title>404 Not Found</title>
</head><body>
<h1>Not Found</h1>
<p>Nothing was found at /a.</p>
</body></html>
`,
  );
});

Deno.test("error page: every error status has a sentence of its own", () => {
  const pages = errors.filter((status) => status >= 400 && status !== 418).map((status) =>
    errorPage({ status, ...request })
  );
  for (const page of pages) assert(!page.includes("The request could not be completed."), page);
});

Deno.test("error page: an unassigned status gets a page too", () => {
  const page = errorPage({ status: 499, ...request });
  assertStringIncludes(page, "<title>499</title>");
  assertStringIncludes(page, "<h1>499</h1>\n<p>The request could not be completed.</p>");
});

Deno.test("error page: notes are shown for exactly the statuses of http-core §12", () => {
  const noted = errors.filter((status) =>
    errorPage({ status, ...request, note: "N<1>" }).includes("<p>N&lt;1&gt;</p>")
  );
  assertEquals(noted, [400, 403, 406, 411, 414, 417, 451, 501, 502]);
});

Deno.test("error page: redirects link to Location, escaped", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const page = errorPage({ status, ...request, redirectLocation: 'http://h/?a="&b=<' });
    assertStringIncludes(page, '<a href="http://h/?a=&quot;&amp;b=&lt;">here</a>');
  }
});

Deno.test("error page: Location is not shown for errors", () => {
  assert(!errorPage({ status: 404, ...request, redirectLocation: "http://elsewhere" }).includes("elsewhere"));
});

Deno.test("error page: 500 names ServerAdmin if there is one", () => {
  assertStringIncludes(errorPage({ status: 500, ...request, serverAdmin: "a&b@h" }), "a&amp;b@h");
  assertStringIncludes(errorPage({ status: 500, ...request }), "its administrator when");
});

Deno.test("error page: 405 names the method", () => {
  assertStringIncludes(
    errorPage({ status: 405, method: "PUT", target: "/a" }),
    "The method PUT cannot be used on /a.",
  );
});

Deno.test("error page: a placeholder sent as target or method is only text", () => {
  const page = errorPage({ status: 405, method: "$target", target: "/$method$&" });
  assertStringIncludes(page, "The method $target cannot be used on /$method$&amp;.");
});

Deno.test("error page: a failing ErrorDocument is named by its status", () => {
  const page = errorPage({ status: 403, ...request, recursiveStatus: 404 });
  assertStringIncludes(page, "<h1>Forbidden</h1>");
  assertStringIncludes(page, "could not be sent either: 404 Not Found.");
});

Deno.test("error page: the signature follows a rule", () => {
  const signature = serverSignature("On", { banner: "mpmd/0.1.0", host: "h", port: 80 });
  const page = errorPage({ status: 404, ...request, serverSignature: signature });
  assertStringIncludes(
    page,
    "</p>\n<hr>\n<address>mpmd/0.1.0 Server at h Port 80</address>\n</body></html>\n",
  );
  assert(!errorPage({ status: 404, ...request, serverSignature: "" }).includes("<hr>"));
});

Deno.test("error page: the query of the target is not shown, and a long target is cut", () => {
  assert(!errorPage({ status: 404, ...request }).includes("secret"));
  assert(errorPage({ status: 404, method: "GET", target: "/" + "a".repeat(8000) }).length < 1000);
});

Deno.test("error page: whatever was sent, the page is ASCII and has no markup but its own", () => {
  const tags = (page: string) => page.match(/<[^>]*>?/g);
  const text = fc.string({ unit: "binary", maxLength: 20 });
  const nasty = fc.oneof(
    text,
    fc.constantFrom("<script>alert(1)</script>", "\"><img src=x onerror='a'>", "&lt;", "]]>"),
  );
  fc.assert(fc.property(fc.constantFrom(...errors), nasty, nasty, nasty, (status, method, target, note) => {
    const page = errorPage({ status, method, target: "/" + target, note, serverAdmin: note });
    assert(!/[^\0-\x7f]/.test(page));
    assertEquals(
      tags(page),
      tags(errorPage({ status, method: "M", target: "/", note: "n", serverAdmin: "n" })),
    );
  }));
});

Deno.test("signature: On, EMail and Off", () => {
  const parts = { banner: "mpmd/0.1.0 (Unix)", host: "<h>", port: 8080, serverAdmin: 'a"b@h' };
  assertStrictEquals(
    serverSignature("On", parts),
    "<address>mpmd/0.1.0 (Unix) Server at &lt;h&gt; Port 8080</address>\n",
  );
  assertStrictEquals(
    serverSignature("EMail", parts),
    '<address>mpmd/0.1.0 (Unix) Server at <a href="mailto:a&quot;b@h">&lt;h&gt;</a> Port 8080</address>\n',
  );
  assertStrictEquals(
    serverSignature("EMail", { ...parts, serverAdmin: undefined }),
    serverSignature("On", parts),
  );
  assertStrictEquals(serverSignature("Off", parts), "");
});
