// Do expressions mean what httpd's do, and is what is none refused with its place?

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ArgumentError } from "../errors.ts";
import { evaluateCondition, evaluateString, parseCondition, parseString } from "./mod.ts";
import { testSubject } from "./test_subject.ts";

function holds(text: string): boolean {
  return evaluateCondition(parseCondition(text), testSubject());
}

const made = (text: string) => evaluateString(parseString(text), testSubject());

function table(rows: Readonly<Record<string, boolean>>): void {
  for (const [text, expected] of Object.entries(rows)) assertEquals(holds(text), expected, text);
}

Deno.test("expression: constants and logic; not binds tighter than and, and tighter than or", () => {
  table({
    "true": true,
    " false ": false,
    "!true": false,
    "!!true": true,
    "not false": true,
    "true || false && false": true,
    "(true || false) && false": false,
    "!false && true": true,
    "! 'a' == 'b'": true,
    "true and not (false or false)": true,
  });
});

Deno.test("expression: text is compared by its characters, numbers by their value", () => {
  table({
    "'a' == 'a'": true,
    "'a' = 'a'": true,
    "'10' < '9'": true,
    "10 < 9": true,
    "10 -lt 9": false,
    "10 gt 9": true,
    "-5 -lt 3": true,
    "'007' -eq 7": true,
    "'12abc' eq 12": true,
    "'abc' -eq 0": true,
    "'b' >= 'a' && 'a' <= 'a' && 'a' != 'b' && 'b' > 'a'": true,
    "5 ne 5 || 5 -ge 6 || 6 le 5": false,
    "%{REQUEST_URI} == '/a/b'": true,
    "%{request_uri} == '/a/b'": true,
    "('a') == ('a' . '')": true,
  });
});

Deno.test("expression: lists, patterns, addresses", () => {
  table({
    "'b' in { 'a', 'b' }": true,
    "'c' -in { 'a', 'b' }": false,
    "%{REMOTE_ADDR} -ipmatch '10.1'": true,
    "%{REMOTE_ADDR} -ipmatch '10.1.2.0/25'": true,
    "%{REMOTE_ADDR} -ipmatch '10.1.2.128/25'": false,
    "'::ffff:10.1.2.3' -ipmatch '10.0.0.0/255.0.0.0'": true,
    "'2001:db8::1' -ipmatch '2001:db8::/33'": true,
    "'2001:db8:8000::1' -ipmatch '2001:db8::/33'": false,
    "'nonsense' -ipmatch '10.1'": false,
    "-R '10.0.0.0/8'": true,
    "-R '192.168'": false,
    "'a/b' -strmatch 'a*b'": true,
    "'a/b' -fnmatch 'a*b'": false,
    "'A' -strcmatch '[a-c]'": true,
    "'A' -strmatch '[a-c]'": false,
  });
});

Deno.test("expression: tests of words and files", () => {
  table({
    "-n 'a' && -z ''": true,
    "-T 'on' && -T '1' && -T 'x'": true,
    "-T 'Off' || -T 'no' || -T 'false' || -T '0' || -T ''": false,
    "-d '/dir' && -e '/dir' && !-f '/dir' && -x '/dir'": true,
    "-f '/file' && -s '/file' && !-x '/file' && !-d '/file'": true,
    "-e '/gone'": false,
    "-L '/link' && -h '/link' && ! -L '/file'": true,
    "-U '/url' && -A '/url' && ! -U '/file' && -F '/file'": true,
  });
});

Deno.test("expression: regular expressions, their flags and backreferences", () => {
  table({
    "%{REQUEST_URI} =~ m#^/A/(.)$#i && $1 == 'b'": true,
    "%{REQUEST_URI} =~ /b$/": true,
    "%{REQUEST_URI} !~ /c/ && 'a' =~ m/[[:alpha:]]/g": true,
    "'xay' =~ /x(.)y/ && 'b' =~ /b/ && '$1$0' == 'axay'": true,
    "'xay' =~ /x(.)y/ && !('q' =~ /(z)/) && $1 . 'c' == 'ac'": true,
    "$1 == ''": true,
  });
  assertEquals(evaluateCondition(parseCondition("$1 == 'x'"), testSubject(), ["", "x"]), true);
});

Deno.test("expression: functions, in both spellings", () => {
  const rows: readonly (readonly [text: string, expected: string])[] = [
    ["%{req:X-N}-%{http:User-Agent}-%{req_novary:none}", "42-Test/1-"],
    [
      "%{resp:X-Out} %{reqenv:SET} %{note:SET} %{env:SET} %{osenv:HOME} %{env:HOME}",
      "out yes note note /root /root",
    ],
    ["%{tolower:AbC} %{toupper:AbC}", "abc ABC"],
    ["%{escape:a b%}", "a%20b%25"],
    ["%{unescape:a%20%c3%a4%2f}", "a \u00e4%2f"],
    ["[%{unescape:a%2}]", "[]"],
    ["%{base64:a\u00e4} %{unbase64:YcOk}", "YcOk a\u00e4"],
    ["%{sha1:abc}", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["%{md5:abc}", "900150983cd24fb0d6963f7d28e17f72"],
    ["%{ldap:a*(b)}", "a\\2a\\28b\\29"],
    ["%{file:/file} %{filesize:/file} %{filemod:/file} %{filesize:/dir}", "hello 5 1000000 0"],
    ["%{TIME} %{TIME_YEAR} %{TIME_MON} %{TIME_DAY} %{TIME_WDAY}", "20260203040506 2026 02 03 2"],
    ["%{HTTP_USER_AGENT} %{HTTP_REFERER}.", "Test/1 ."],
    ["100%, $x, \\$1, \\x41\\102\\n\\q}", "100%, $x, $1, AB\nq}"],
    ["'quoted' \"text\"", "'quoted' \"text\""],
    ["", ""],
  ];
  for (const [text, expected] of rows) assertEquals(made(text), expected, text);
  table({
    "tolower('AB') . toupper('c') == 'abC'": true,
    'replace("a.b.c", ".", "$$") == "a$$b$$c"': true,
    "base64(req('x-n')) == 'NDI='": true,
  });
});

Deno.test("expression: what a cache has to know of is told, except for the host", () => {
  const subject = testSubject();
  const text = "-n %{HTTP_HOST} && -n req('host') && -z %{req:A} && -z %{HTTP_COOKIE} && -z req_novary('b')";
  assertEquals(evaluateCondition(parseCondition(text), subject), true);
  assertEquals(subject.varied, ["a", "cookie"]);
});

Deno.test("expression: what is none is refused, with the place", () => {
  const rows: readonly (readonly [text: string, reason: string])[] = [
    ["", "unexpected end"],
    ["%{FOO} == 1", "Variable 'FOO' does not exist"],
    ["foo('a') == 1", "Function 'foo' does not exist"],
    ["'a' -foo 'b'", "Binary operator '-foo' does not exist"],
    ["-q 'a'", "Unary operator '-q' does not exist"],
    ["'a' ==", "unexpected end, at character 7"],
    ["'a'", "an operator is expected"],
    ["('a')", "an operator is expected"],
    ["true == true", "unexpected '=='"],
    ["'a' == (true)", "a condition stands where a word is expected"],
    ["'a' && true", "a word stands where a condition is expected"],
    ["(true", "')' is expected"],
    ["true)", "unexpected ')'"],
    ["'abc", "Unterminated string"],
    ["%{REQUEST_URI == 1", "%{REQUEST_URI is not closed"],
    ["%{req:x == 1", "Unterminated variable"],
    ["%{req:} == ''", "has no argument"],
    ["'a' =~ /b", "Unterminated regexp"],
    ["'a' =~ /(/", "does not compile"],
    ["'a' =~ /a/x", "Invalid regexp flag(s) 'x'"],
    ["'a' =~ 'b'", "a regular expression is expected"],
    ["-R %{REMOTE_ADDR}", "constant argument"],
    ["'a' -ipmatch '300.1'", "appears to be invalid"],
    ["'a' -ipmatch '10/8'", "appears to be invalid"],
    ["'a' -ipmatch '10.0.0.0/33'", "appears to be invalid"],
    ["'a' -ipmatch '10.0.0.0/255.0.255.0'", "appears to be invalid"],
    ["'a' in foo('x')", "List-returning function 'foo' does not exist"],
    ["'a' in 'b'", "a list"],
    ["replace('a') == ''", "takes 3 arguments, not 1"],
    ["'\\400' == ''", "Bad escape sequence"],
    ["a & b", "'(' is expected"],
    ["!".repeat(1000) + "true", "nested too deeply"],
    ["(".repeat(100_000), "nested too deeply"],
  ];
  for (const [text, reason] of rows) {
    assertThrows(() => parseCondition(text), ArgumentError, reason);
  }
  assertThrows(() => parseString("%{NOPE}"), ArgumentError, "at character 8 of '%{NOPE}'");
});

const piece = fc.constantFrom(
  ..."true|false|!|&&|or|(|)|'a'|\"b%{REQUEST_URI}\"|%{|}|$1|$|==|-eq|in|{|,|=~|/(a)/|m#x#i|-n|-d|.|5|-ipmatch|'10/8'|req|\\"
    .split("|"),
  " || ",
);

Deno.test("expression: any text is an expression that can be evaluated, or an ArgumentError", () => {
  const text = fc.oneof(fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(" ")), fc.string());
  fc.assert(
    fc.property(text, (source) => {
      for (const read of [parseCondition, parseString] as const) {
        try {
          const tree = read(source);
          if (read === parseCondition) evaluateCondition(parseCondition(source), testSubject());
          else assertEquals(typeof evaluateString(parseString(source), testSubject()), "string", typeof tree);
        } catch (error) {
          if (!(error instanceof ArgumentError)) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("expression: a long chain is not a deep one", () => {
  assertEquals(holds(Array(50_000).fill("false").join("||")), false);
  assertEquals(holds(`${Array(50_000).fill("'a'").join(".")} == '${"a".repeat(50_000)}'`), true);
});

Deno.test("expression: quoted text comes through whole, whatever it is", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (left, right) => {
    const quoted = (text: string) => `'${text.replace(/[\\'$%]/g, "\\$&")}'`;
    assertEquals(holds(`${quoted(left)} == ${quoted(left)}`), true);
    assertEquals(holds(`${quoted(left)} . ${quoted(right)} == ${quoted(left + right)}`), true);
    assertEquals(holds(`${quoted(left)} < ${quoted(right)}`), left < right);
  }));
});

Deno.test("expression: logic of any depth agrees with JavaScript's", () => {
  const { node } = fc.letrec<{ node: [text: string, value: boolean] }>((tie) => ({
    node: fc.oneof(
      { depthSize: "medium" },
      fc.boolean().map((value): [string, boolean] => [String(value), value]),
      tie("node").map(([text, value]): [string, boolean] => [`!(${text})`, !value]),
      fc.tuple(tie("node"), tie("node")).map((
        [a, b],
      ): [string, boolean] => [`(${a[0]} && ${b[0]})`, a[1] && b[1]]),
      fc.tuple(tie("node"), tie("node")).map((
        [a, b],
      ): [string, boolean] => [`(${a[0]} or ${b[0]})`, a[1] || b[1]]),
    ),
  }));
  fc.assert(fc.property(node, ([text, value]) => assertEquals(holds(text), value)));
});

Deno.test("SSLRequire: all comparisons are of text, and the shorter comes first", () => {
  const truth = (text: string) => evaluateCondition(parseCondition(text, true), testSubject());
  for (const text of ['"9" lt "10"', '"b" < "ab"', '"128" >= 99', '"ab" gt "aa"', '"01" ne "1"']) {
    assertEquals(truth(text), true, text);
  }
});
