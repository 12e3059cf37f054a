// Are -S, -M, -L and -D DUMP_... laid out as httpd's? Tools read them: what is expected here is httpd 2.4.71's own output.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runCommand } from "./harness.ts";

const MAIN = `LoadModule mpm_event_module modules/mod_mpm_event.so
Listen 127.0.0.1:18080
ServerName main.example
DocumentRoot htdocs
PidFile logs/httpd.pid
Define FOO bar
Define EMPTY
Include conf/inc/*.conf
<VirtualHost *:18080>
ServerName one.example
ServerAlias uno.example *.uno.example
</VirtualHost>
<VirtualHost *:18080>
ServerName two.example:99
</VirtualHost>
<VirtualHost 127.0.0.1:18081>
ServerName three.example
</VirtualHost>
<VirtualHost 127.0.0.1:18081 [::1]:18081>
</VirtualHost>
<VirtualHost 10.0.0.1>
ServerName ten.example
</VirtualHost>
<VirtualHost _default_:*>
ServerAlias a b
</VirtualHost>
`;

/** The standard output of `args` for a tree of configuration files. */
async function listing(
  ...args: readonly string[]
): Promise<{ stdout: string; stderr: string; root: string }> {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    await Deno.mkdir(join(root, "conf/inc/sub"), { recursive: true });
    await Deno.mkdir(join(root, "htdocs"));
    await Deno.writeTextFile(join(root, "conf/httpd.conf"), MAIN);
    await Deno.writeTextFile(join(root, "conf/inc/one.conf"), "# nothing\nInclude conf/inc/sub/x.conf\n");
    await Deno.writeTextFile(join(root, "conf/inc/sub/x.conf"), "# nothing either\n");
    await Deno.writeTextFile(join(root, "conf/inc/two.conf"), 'Timeout  "50"\n');
    const { code, stdout, stderr } = await runCommand(["-d", root, ...args]);
    assertEquals(code, 0, stderr);
    return { stdout, stderr, root };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Where the system is one on which event runs. */
const ignore = Deno.build.os === "windows";

Deno.test({ name: "-S lists hosts by address, then run settings", ignore }, async () => {
  const { stdout, stderr, root } = await listing("-S");
  const file = join(root, "conf/httpd.conf");
  const hosts = `VirtualHost configuration:
127.0.0.1:18081        is a NameVirtualHost
         default server three.example (${file}:16)
         port 18081 namevhost three.example (${file}:16)
         port 18081 namevhost 127.0.0.1 (${file}:19)
[::1]:18081            ::1 (${file}:19)
10.0.0.1:*             ten.example (${file}:21)
*:18080                is a NameVirtualHost
         default server one.example (${file}:9)
         port 18080 namevhost one.example (${file}:9)
                 alias uno.example
                 wild alias *.uno.example
         port 18080 namevhost two.example (${file}:13)
*:*                    main.example (${file}:24)
`;
  assertEquals(stdout.slice(0, hosts.length), hosts);
  const settings = stdout.slice(hosts.length).split("\n");
  for (
    const line of [
      `ServerRoot: "${root}"`,
      `Main DocumentRoot: "${join(root, "htdocs")}"`,
      `Main ErrorLog: "${join(root, "logs/error_log")}"`,
      `PidFile: "${join(root, "logs/httpd.pid")}"`,
      "Define: DUMP_VHOSTS",
      "Define: DUMP_RUN_CFG",
      "Define: FOO=bar",
      "Define: EMPTY",
    ]
  ) assertEquals(settings.filter((each) => each === line).length, 1, line);
  assertEquals(stderr, "");
});

Deno.test({ name: "-M lists the modules, one MPM among them", ignore }, async () => {
  const { stdout } = await listing("-M");
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.slice(0, 2), ["Loaded Modules:", " core_module (static)"]);
  assertEquals(lines.filter((line) => line.includes("mpm_")), [" mpm_event_module (static)"]);
  assertEquals(lines.slice(1).filter((line) => !/^ [a-z0-9_]+_module \(static\)$/.test(line)), []);
});

Deno.test({ name: "-t -D DUMP_INCLUDES lists files with the lines that include them", ignore }, async () => {
  const { stdout, stderr, root } = await listing("-t", "-D", "DUMP_INCLUDES");
  assertEquals(
    stdout,
    `Included configuration files:
  (*) ${join(root, "conf/httpd.conf")}
    (8) ${join(root, "conf/inc/one.conf")}
      (2) ${join(root, "conf/inc/sub/x.conf")}
    (8) ${join(root, "conf/inc/two.conf")}
`,
  );
  assertEquals(stderr, "Syntax OK\n");
});

Deno.test({ name: "-D DUMP_CONFIG prints directives with their places", ignore }, async () => {
  const { stdout, root } = await listing("-D", "DUMP_CONFIG");
  assertStringIncludes(
    stdout,
    `# In file: ${join(root, "conf/inc/two.conf")}
#   1:
Timeout "50"
# In file: ${join(root, "conf/httpd.conf")}
#   9:
<VirtualHost *:18080>
  #  10:
  ServerName one.example
  #  11:
  ServerAlias uno.example *.uno.example
</VirtualHost>
`,
  );
});

Deno.test(
  { name: "-L lists directives of the loaded modules with where they may stand", ignore },
  async () => {
    const { stdout } = await listing("-L");
    const blocks = stdout.trimEnd().split(/\n(?!\t)/).map((block) => block.split("\n"));
    const find = (head: string) => blocks.filter(([first]) => first === head);
    const outside = "\tAllowed in *.conf only outside <Directory>, <Files>, <Location>, or <If>";
    const inside =
      "\tAllowed in *.conf only inside <Directory>, <Files>, <Location>, or <If> and in .htaccess";
    for (
      const [head, ...where] of [
        ["Listen (event.c)", outside],
        ["<VirtualHost (core.c)", outside],
        [
          "<IfVersion (mod_version.c)",
          "\tAllowed in *.conf anywhere and in .htaccess",
          "\twhen AllowOverride isn't None",
        ],
        ["<Limit (core.c)", inside, "\twhen AllowOverride includes AuthConfig or Limit"],
        [
          "DirectoryIndex (mod_dir.c)",
          "\tAllowed in *.conf anywhere and in .htaccess",
          "\twhen AllowOverride includes Indexes",
        ],
        ["RequestReadTimeout (mod_reqtimeout.c)", outside],
      ]
    ) assertEquals(find(head).map((lines) => lines.slice(2)), [where], head);
    assertEquals(blocks.filter(([head, help]) => !/^<?\w+ \(\w+\.c\)$/.test(head) || help.length < 2), []);
  },
);
