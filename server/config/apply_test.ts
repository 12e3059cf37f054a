// Do directives reach their rows with everything checked, and do virtual hosts stand within the main server's values?

import { assertEquals, assertThrows } from "@std/assert";
import { flag } from "./arguments.ts";
import { DirectiveTable } from "./directive_table.ts";
import type { Directive } from "./directives.ts";
import { ConfigError, ConfigErrors } from "./errors.ts";
import { sectionRows } from "./sections.ts";
import { load, noteDir, noteHost } from "./test_support.ts";
import { serverNames } from "./server_names.ts";

const raw: Directive = {
  name: "Raw",
  contexts: ["server config"],
  args: "raw",
  syntax: "Raw text",
  help: "Takes the rest of the line",
  apply: (args, to) => {
    to.server.get(noteHost).notes.push(...args);
  },
};
const onOff: Directive = {
  ...raw,
  name: "Switch",
  args: 1,
  syntax: "Switch On|Off",
  apply: ([arg]) => void flag(arg),
};

function fails(line: number, directive: string, reason: string, text: string): void {
  const error = assertThrows(() => load(text, [raw, onOff]), ConfigError, reason);
  assertEquals(
    [error.file, error.line, error.directive],
    ["/srv/httpd.conf", line, directive],
    error.message,
  );
}

Deno.test("apply: names do not depend on case; raw arguments come as written", () => {
  const { main } = load('hostnote a "b c"\nRAW  "x  y"  z\n', [raw]);
  assertEquals(main.store.get(noteHost).notes, ["a", "b c", '"x  y"  z']);
});

Deno.test("apply: an unknown directive hints at the nearest name or at the module that has it", () => {
  fails(2, "HostNot", "Invalid command 'HostNot': did you mean HostNote?", "Note x\nHostNot x");
  fails(1, "Includ", "did you mean Include?", "Includ x");
  fails(1, "<Locaton>", "Invalid command '<Locaton>': did you mean <Location>?", "<Locaton />\n</Locaton>");
  fails(1, "Zzzzzzzz", "Invalid command 'Zzzzzzzz': no loaded module knows it", "Zzzzzzzz");
  fails(1, "MinSpareServers", "it belongs to mpm_prefork_module, which is not loaded", "MinSpareServers 5");
  fails(1, "VirtualHost", "Invalid command 'VirtualHost'", "VirtualHost *");
});

Deno.test("apply: everything that is wrong is told at once, each with its place", () => {
  const text =
    "Wrong a\n<Directory />\nNote\n<Nonsense>\nWrong b\n</Nonsense>\nNote x\n</Directory>\nHostNote";
  const error = assertThrows(() => load(text), ConfigErrors);
  assertEquals([error.line, error.directive], [1, "Wrong"]);
  assertEquals(error.errors.map(({ line, directive }) => `${line} ${directive}`), [
    "1 Wrong",
    "3 Note",
    "4 <Nonsense>",
    "9 HostNote",
  ]);
  assertEquals(error.message, error.errors.map(({ message }) => message).join("\n"));
  const again = assertThrows(() => load("Wrong\nWrong\nNote\nWrong"), ConfigErrors);
  assertEquals(again.message.split("\n"), [
    "AH00526: Syntax error on line 1 of /srv/httpd.conf:",
    "Invalid command 'Wrong': no loaded module knows it (2 more: /srv/httpd.conf:2, /srv/httpd.conf:4)",
    "AH00526: Syntax error on line 3 of /srv/httpd.conf:",
    "Note takes one argument, not 0; syntax: Note text",
  ]);
});

Deno.test("apply: the number of arguments is checked, the message has the syntax", () => {
  fails(1, "Note", "Note takes one argument, not 2; syntax: Note text", "Note a b");
  fails(1, "HostNote", "HostNote takes 1 to 2 arguments, not 0; syntax: HostNote text [text]", "HostNote");
  fails(
    1,
    "<VirtualHost>",
    "<VirtualHost> takes at least one argument, not 0",
    "<VirtualHost>\n</VirtualHost>",
  );
});

Deno.test("apply: an argument error names the directive", () => {
  fails(1, "Switch", "Switch must be On or Off", "Switch maybe");
  fails(1, "<VirtualHost>", 'Invalid address or port: "x:99999"', "<VirtualHost x:99999>\n</VirtualHost>");
});

Deno.test("apply: directives and sections stand only where they may", () => {
  fails(
    1,
    "ServerAlias",
    "ServerAlias is not allowed outside of sections; allowed in: virtual host",
    "ServerAlias a",
  );
  fails(
    2,
    "HostNote",
    "HostNote cannot occur within <Location> section",
    "<Location />\nHostNote a\n</Location>",
  );
  const nested: [outer: string, inner: string][] = [
    ["VirtualHost", "VirtualHost"],
    ["Directory", "VirtualHost"],
    ["Directory", "Directory"],
    ["Directory", "Location"],
    ["Location", "Files"],
    ["Files", "Files"],
    ["FilesMatch", "Directory"],
    ["If", "Location"],
    ["Location", "Directory"],
  ];
  for (const [outer, inner] of nested) {
    const text = `<${outer} *>\n<${inner} *>\n</${inner}>\n</${outer}>`
      .replace("Match *", "Match x").replace("<If *", "<If true");
    fails(2, `<${inner}>`, `<${inner}> cannot occur within <${outer}> section`, text);
  }
});

Deno.test("apply: conditions are read with the configuration; Else needs an If before it", () => {
  fails(
    1,
    "<If>",
    "Cannot parse condition clause: Variable 'FOO' does not exist",
    '<If "%{FOO} == 1">\n</If>',
  );
  fails(1, "<If>", "takes one argument, not 0", "<If>\n</If>");
  fails(1, "<Else>", "without previous <If>", "<Else>\n</Else>");
  fails(4, "<Else>", "in same scope", "<If true>\n</If>\n<Location />\n<Else>\n</Else>\n</Location>");
  fails(5, "<ElseIf>", "in same scope", "<If true>\n</If>\n<Else>\n</Else>\n<ElseIf true>\n</ElseIf>");
  fails(2, "HostNote", "cannot occur within <If> section", "<If true>\nHostNote a\n</If>");
});

Deno.test("apply: <Limit> stands in sections, not in itself, and not for TRACE", () => {
  const inRoot = (text: string) => `<Directory />\n${text}\n</Directory>`;
  fails(1, "<Limit>", "is not allowed outside of sections", "<Limit GET>\n</Limit>");
  fails(2, "<Limit>", "TRACE cannot be controlled", inRoot("<Limit GET TRACE>\n</Limit>"));
  fails(2, "<Limit>", "takes at least one argument", inRoot("<Limit>\n</Limit>"));
  fails(
    3,
    "<LimitExcept>",
    "<LimitExcept> cannot occur within <Limit> section",
    inRoot("<Limit GET>\n<LimitExcept GET>\n</LimitExcept>\n</Limit>"),
  );
  fails(3, "<Files>", "cannot occur within <Limit>", inRoot("<Limit GET>\n<Files x>\n</Files>\n</Limit>"));
  const { warnings } = load(inRoot("<Limit GET>\nNote a\n</Limit>"));
  assertEquals(warnings.map(({ line, message }) => [line, message]), [
    [3, "Note holds for all methods, whatever the <Limit> around it"],
  ]);
});

Deno.test("apply: AllowOverride and its kin", () => {
  const inRoot = (text: string) => `<Directory />\n${text}\n</Directory>`;
  fails(1, "AllowOverride", "is not allowed outside of sections", "AllowOverride All");
  fails(2, "AllowOverride", "Illegal override option Foo", inRoot("AllowOverride Foo"));
  fails(2, "AllowOverride", "Illegal option Foo", inRoot("AllowOverride Options=Indexes,Foo"));
  fails(2, "AllowOverride", "=Override, =Unknown or =All expected", inRoot("AllowOverride Nonfatal"));
  fails(2, "AllowOverrideList", "'None' not allowed", inRoot("AllowOverrideList None Note"));
  fails(1, "AccessFileName", "a name without slashes", "AccessFileName a/b");
  const { warnings } = load("<Location />\nAllowOverride All\nAllowOverrideList Note\n</Location>");
  assertEquals(warnings.map(({ line, message }) => `${line} ${message.slice(0, 19)}`), [
    "2 AH00114: Useless us",
    "3 AH00115: Useless us",
  ]);
});

Deno.test("apply: directives that ask for nothing here are read, and refused where they ask for more", () => {
  const { warnings } = load("NameVirtualHost *:80\nDefaultRuntimeDir run\nHostnameLookups off");
  assertEquals(warnings.map(({ line, message }) => `${line} ${message}`), [
    "1 AH00548: NameVirtualHost has no effect",
  ]);
  fails(1, "HostnameLookups", "can only be Off", "HostnameLookups Double");
});

Deno.test("apply: regular expressions and second arguments of sections are checked", () => {
  fails(1, "<LocationMatch>", "does not compile", "<LocationMatch (>\n</LocationMatch>");
  fails(1, "<Files>", "Multiple <Files> arguments", "<Files a b>\n</Files>");
});

Deno.test("apply: a virtual host's values lie over the main server's, whichever comes first in the file", () => {
  const config = load(`HostNote main1
<VirtualHost *:80>
  HostNote host
  Note host
</VirtualHost>
<VirtualHost *:81>
</VirtualHost>
HostNote main2
Note main`);
  assertEquals(config.main.store.get(noteHost).notes, ["main1", "main2"]);
  assertEquals(config.hosts.map((host) => host.store.get(noteHost).notes), [["main1", "main2", "host"], [
    "main1",
    "main2",
  ]]);
  assertEquals(config.hosts.map((host) => host.dirDefaults.get(noteDir).notes), [["main", "host"], ["main"]]);
  assertEquals(config.hosts.map(({ where }) => where?.line), [2, 6]);
});

Deno.test("apply: ServerName, ServerAlias and ServerPath", () => {
  const config = load(`ServerName https://Main.Example.:8443
<VirtualHost *>
  ServerAlias A *.b
  ServerAlias c
  ServerPath /p
</VirtualHost>
<VirtualHost *>
  ServerName [::1]
</VirtualHost>`);
  const [first, second] = config.hosts;
  const main = { scheme: "https", name: "main.example", port: 8443 };
  assertEquals(config.main.names, { ...main, aliases: [], path: undefined });
  assertEquals(first.store.get(serverNames), { ...main, aliases: ["a", "*.b", "c"], path: "/p" });
  assertEquals(first.names.name, undefined);
  assertEquals(second.store.get(serverNames).name, "[::1]");
  assertEquals(second.store.get(serverNames).port, undefined);
  for (const wrong of ["a:0", "a:70000", "a b", "[x]", "a/b"]) {
    fails(1, "ServerName", "ServerName must be", `ServerName "${wrong}"`);
  }
  fails(2, "ServerPath", "must begin with a slash", "<VirtualHost *>\nServerPath x\n</VirtualHost>");
});

Deno.test("apply: allDirStores gives the store of every place once", () => {
  const config = load(`Note main
<Directory /a>
  Note dir
  <Files x>
    Note nested
  </Files>
</Directory>
<VirtualHost *>
  Note host
  <Location /l>
    Note location
  </Location>
</VirtualHost>`);
  const notes = [...config.allDirStores()].map((store) => store.get(noteDir).notes.join("+"));
  assertEquals(notes.sort(), ["dir", "location", "main", "main+host", "nested"]);
});

Deno.test("apply: a section row of a module opens a target for its children", () => {
  const wrapped: string[] = [];
  load("<Wrap x>\nNote a\n</Wrap>", [{
    name: "<Wrap>",
    contexts: ["server config"],
    args: 1,
    syntax: "<Wrap name>",
    help: "Groups",
    open: ([name], to, { line }) => {
      wrapped.push(`${name} ${line}`);
      return { ...to, section: "Wrap", context: "directory" };
    },
  }]);
  assertEquals(wrapped, ["x 1"]);
  fails(1, "Note", "takes one argument", "Note");
});

Deno.test("apply: a table does not take two rows of one name", () => {
  assertThrows(
    () => new DirectiveTable([...sectionRows, { ...raw, name: "servername" }]),
    TypeError,
    "servername",
  );
});
