// Does the command line behave as httpd's? The real program, run to its end.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { runCommand } from "./harness.ts";
import { VERSION } from "../../server/version.ts";

async function withConfig(text: string, check: (file: string, root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const file = join(root, "httpd.conf");
  await Deno.writeTextFile(file, text);
  try {
    await check(file, root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const SHIPPED = fromFileUrl(new URL("../../conf", import.meta.url)).replaceAll("\\", "/");

Deno.test("-v names the version, which deno.json has too", async () => {
  const { code, stdout } = await runCommand(["-v"]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, `Server version: mpmd/${VERSION} (`);
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(version, VERSION);
});

Deno.test("-l lists the modules, an MPM among them", async () => {
  const { code, stdout } = await runCommand(["-l"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Compiled in modules:\n {2}/);
  assertStringIncludes(stdout, "  event.c");
});

Deno.test("unknown flags and actions print usage and exit with 1", async () => {
  for (const args of [["-z"], ["-k", "fly"], ["--nope"], ["-f"]]) {
    const { code, stderr } = await runCommand(args);
    assertEquals(code, 1, args.join(" "));
    assertStringIncludes(stderr, "Usage: mpmd");
  }
});

Deno.test("-h and -? print usage on standard error and exit with 1, as httpd; --help is for people", async () => {
  for (const flag of ["-h", "-?"]) {
    const { code, stdout, stderr } = await runCommand([flag]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^Usage: mpmd /);
  }
  const { code, stdout } = await runCommand(["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: mpmd /);
});

Deno.test("values may follow their letter, flags may stand together, -C and -c go around the file", async () => {
  await withConfig("<IfDefine NAME>\nTimeout 1\n</IfDefine>\n", async (file) => {
    const joined = await runCommand([
      "-tSDNAME",
      `-f${file}`,
      "-CTimeout 2",
      "-c",
      "KeepAlive Off",
      "-c",
      "Timeout 3",
    ]);
    assertEquals(joined.code, 0, joined.stderr);
    assertStringIncludes(joined.stdout, "Define: NAME\n");
    const { stdout } = await runCommand([
      "-f",
      file,
      "-D",
      "NAME",
      "-D",
      "DUMP_CONFIG",
      "-C",
      "Timeout 2",
      "-c",
      "Timeout 3",
    ]);
    assertEquals(
      stdout,
      "# In file: -c/-C directives\n#   1:\nTimeout 2\n" +
        `# In file: ${file}\n#   2:\nTimeout 1\n# In file: -c/-C directives\n#   1:\nTimeout 3\n`,
    );
    const wrong = await runCommand(["-t", "-f", file, "-C", "Timeout 2", "-C", "Timeuot 2"]);
    assertEquals(wrong.code, 1);
    assertStringIncludes(
      wrong.stderr,
      "AH00526: Syntax error on line 2 of -c/-C directives:\nInvalid command 'Timeuot'",
    );
  });
});

Deno.test(
  { name: "-V names the MPM, -t accepts a good configuration", ignore: Deno.build.os === "windows" },
  async () => {
    await withConfig("LoadModule mpm_event_module modules/mod_mpm_event.so\nListen 8080\n", async (file) => {
      const settings = await runCommand(["-V", "-f", file]);
      assertEquals(settings.code, 0);
      assertStringIncludes(
        settings.stdout,
        "Server MPM:     event\n  threaded:     yes (fixed thread count)\n    forked:     yes",
      );
      const test = await runCommand(["-t", "-f", file]);
      assertEquals([test.code, test.stderr], [0, "Syntax OK\n"]);
    });
  },
);

Deno.test("an error in the configuration is told with file, line and reason, and exit code 1", async () => {
  const cases: readonly [text: string, line: number, reason: RegExp][] = [
    ["Listen 8080\nKeepAliveTimout 5\n", 2, /Invalid command 'KeepAliveTimout'.*KeepAliveTimeout/s],
    ["KeepAlive Maybe\n", 1, /KeepAlive must be On or Off/],
    ["Listen 99999999\n", 1, /Port must be specified/],
    ["Listen 8080\nListen 8080\n", 2, /multiple Listeners/],
    ["<IfModule core.c>\nTimeout x\n</IfModule>\n", 2, /Timeout must be/],
    ["LoadModule mpm_event_module x\nThreadsPerChild many\n", 2, /ThreadsPerChild must be a whole number/],
    ["DocumentRoot\n", 1, /DocumentRoot/],
    ["<Directory /x>\nTimeout 5\n", 1, /Directory/],
    ["LoadModule php_module modules/libphp.so\n", 1, /php_module/],
  ];
  for (const [text, line, reason] of cases) {
    await withConfig(text, async (file) => {
      const { code, stderr } = await runCommand(["-t", "-f", file]);
      assertEquals(code, 1, text);
      assertStringIncludes(stderr, `AH00526: Syntax error on line ${line} of ${file}:`);
      assertMatch(stderr, reason);
    });
  }
});

Deno.test("the shipped sizes are right for each MPM, where it can run", async () => {
  const unix = Deno.build.os !== "windows";
  const names = [...unix ? ["prefork", "worker", "event", "mpmt_os2"] : [], "mpm_winnt", "mpm_netware"];
  for (const name of names) {
    await withConfig(`Listen 8080\nInclude "${SHIPPED}/extra/httpd-mpm.conf"\n`, async (file) => {
      const { code, stderr } = await runCommand(["-t", "-f", file, "--mpm", name]);
      assertEquals([code, stderr], [0, "Syntax OK\n"], name);
    });
  }
});

Deno.test("none or two MPMs, and one that is not there, are errors", async () => {
  await withConfig(
    "Listen 8080\nLoadModule mpm_event_module x\nLoadModule mpm_prefork_module y\n",
    async (file) => {
      const { code, stderr } = await runCommand(["-t", "-f", file]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "AH00534: Configuration error: More than one MPM loaded.");
    },
  );
  await withConfig("Listen 8080\n", async (file) => {
    const none = await runCommand(["-t", "-f", file, "--mpm", "none"]);
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "AH00534: Configuration error: No MPM loaded.");
    const motorz = await runCommand(["-t", "-f", file, "--mpm", "motorz"]);
    assertEquals(motorz.code, 1);
    assertStringIncludes(motorz.stderr, "AH00534: Configuration error: there is no MPM motorz");
  });
});

Deno.test(
  { name: "a port in use is told with AH00072 and exit code 1", ignore: Deno.build.os === "windows" },
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await withConfig(
      `Listen 127.0.0.1:${listener.addr.port}\nPidFile none\nErrorLog /dev/stderr\n`,
      async (file) => {
        const { code, stderr } = await runCommand(["-f", file]);
        assertEquals(code, 1);
        assertStringIncludes(
          stderr,
          `AH00072: make_sock: could not bind to address 127.0.0.1:${listener.addr.port}`,
        );
      },
    );
  },
);

Deno.test({
  name: "a log that cannot be written keeps the server from starting, a missing logs directory does not",
  ignore: Deno.build.os === "windows",
}, async () => {
  const text =
    "Listen 127.0.0.1:8080\nPidFile none\nErrorLog new/error_log\nCustomLog httpd.conf/access_log common\n";
  await withConfig(text, async (file, root) => {
    const { code, stderr } = await runCommand(["-d", root, "-f", file]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `AH00649: could not open transfer log file ${root}/httpd.conf/access_log`);
    assertEquals(await Deno.readTextFile(join(root, "new/error_log")), "");
  });
});

Deno.test("-t looks for directories, logs and applications, as a start does", async () => {
  await withConfig("Listen 8080\nErrorLog logs/error_log\n", async (file, root) => {
    const check = (...lines: string[]) =>
      runCommand(["-t", "-d", root, "-f", file, ...lines.flatMap((line) => ["-c", line])]);
    const fine = await check("DocumentRoot .", "CustomLog other/access_log common");
    assertEquals([fine.code, fine.stdout, fine.stderr], [0, "", "Syntax OK\n"]);
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["httpd.conf"]);
    const root404 = await check("Timeout 5", "DocumentRoot missing");
    assertEquals(root404.code, 1);
    assertStringIncludes(
      root404.stderr,
      `AH00526: Syntax error on line 2 of -c/-C directives:\nDocumentRoot '${
        join(root, "missing")
      }' is not a directory`,
    );
    const unchecked = await runCommand(["-t", "-T", "-d", root, "-f", file, "-c", "DocumentRoot missing"]);
    assertEquals(unchecked.stderr, "Syntax OK\n");
    const log = await check("CustomLog httpd.conf/access_log common");
    assertEquals(log.code, 1);
    assertMatch(
      log.stderr,
      /^AH00649: could not open transfer log file .*\nAH00014: Configuration check failed\n$/,
    );
    const application = await check("Application app.ts");
    assertEquals(application.code, 1);
    assertMatch(application.stderr, /^AH00526: .*-c\/-C directives:\nApplication app\.ts: /);
  });
});

Deno.test("-e says how much is told of the start, -E where", async () => {
  const text = "Listen 8080\n<VirtualHost *>\nDocumentRoot missing\n</VirtualHost>\n";
  await withConfig(text, async (file, root) => {
    const run = (...args: string[]) => runCommand(["-t", "-d", root, "-f", file, ...args]);
    const warning = `WARNING: AH00112: Warning: DocumentRoot [${
      join(root, "missing")
    }] does not exist (line 3 of ${file})`;
    assertEquals((await run()).stderr, `${warning}\nSyntax OK\n`);
    assertEquals((await run("-e", "error")).stderr, "Syntax OK\n");
    assertEquals((await run("-e", "loud")).code, 1);
    const startup = join(root, "startup");
    assertEquals((await run("-E", startup)).stderr, "");
    assertEquals(await Deno.readTextFile(startup), `${warning}\nSyntax OK\n`);
    assertMatch((await run("-E", join(root, "no/startup"))).stderr, /^AH00086: .*\nWARNING: /);
  });
});

Deno.test("a server that listens nowhere does not start", async () => {
  await withConfig("PidFile none\nErrorLog /dev/stderr\n", async (file) => {
    const { code, stderr } = await runCommand(["-f", file]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^the configuration has no Listen\nno listening sockets available, shutting down\nAH00015: Unable to open logs\n$/,
    );
  });
});

Deno.test("every shipped configuration file parses", async () => {
  const { code, stderr } = await runCommand(["-t"]);
  assertEquals(code, Deno.build.os === "windows" ? 1 : 0, stderr);
});
