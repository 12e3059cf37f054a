// Do logs go where the configuration says, whatever becomes of their files and programs? Real servers, real programs.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { childrenOf, load, runCommand, status, TestServer, until } from "./harness.ts";

/** Piped logs need descriptors that children inherit, and these tests a shell. */
const unix = Deno.build.os !== "windows";
/** /dev/full, /proc */
const linux = Deno.build.os === "linux";

const BASE = `
Listen 127.0.0.1:@PORT@
ServerName main.example
DocumentRoot "@ROOT@/htdocs"
MaxKeepAliveRequests 0
`;
const FILES = { "htdocs/index.html": "<p>welcome</p>\n" };

/** Asks for `path` with further fields; returns the status. */
async function ask(server: TestServer, path: string, fields: Readonly<Record<string, string>> = {}) {
  const lines = Object.entries({ Host: "main.example", Connection: "close", ...fields }).map((
    [name, value],
  ) => `${name}: ${value}\r\n`);
  const answer = await server.raw(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return Number(answer.split(" ")[1]);
}

/** Processes whose parent is `pid`, with their command lines. Linux. */
function programsOf(pid: number): { pid: number; command: string }[] {
  return childrenOf(pid).map((child) => {
    try {
      return { pid: child, command: Deno.readTextFileSync(`/proc/${child}/cmdline`).replaceAll("\0", " ") };
    } catch {
      // It ended while we looked.
      return { pid: child, command: "" };
    }
  });
}

const lines = (text: string) => text.split("\n").slice(0, -1);

Deno.test(
  { name: "logs: a program gets the lines of all children; each way to start one", ignore: !unix },
  async () => {
    const config = BASE + `
StartServers 2
ThreadsPerChild 1
MaxRequestWorkers 2
CustomLog "|$cat >> logs/by_shell" "%P %r"
CustomLog "|/bin/sh -c 'cat >> \\"logs/by itself\\"'" "%P %r"
CustomLog "||/bin/sh -c 'cat >> logs/twice'" "%U"
<VirtualHost *:@PORT@>
  ServerName main.example
</VirtualHost>
`;
    await using server = await TestServer.start({ config, files: FILES });
    const { answered } = await load(server.port, 16, 500);
    assertEquals(answered, 500);
    await until("the lines", () => lines(server.log("logs/twice")).length === 500);
    await until("the lines", () => lines(server.log("logs/by itself")).length === 500);
    await until("the lines", () => lines(server.log("logs/by_shell")).length === 500);
    for (const line of lines(server.log("logs/by_shell"))) assertMatch(line, /^\d+ GET \/\S* HTTP\/1\.1$/);
  },
);

Deno.test({
  name: "logs: a program that dies is started again, and what was written meanwhile arrives",
  ignore: !linux,
}, async () => {
  const config = BASE + 'CustomLog "|$exec cat >> logs/piped" "%U"\n';
  await using server = await TestServer.start({ config, files: FILES });
  assertEquals(await ask(server, "/one"), 404);
  await until("the first line", () => server.log("logs/piped") === "/one\n");
  const cat = programsOf(server.pid).find(({ command }) => command.startsWith("cat "));
  assert(cat !== undefined);
  Deno.kill(cat.pid, "SIGKILL");
  // What it reads with its last breath is lost.
  await until("its end", () => !childrenOf(server.pid).includes(cat.pid));
  for (const path of ["/two", "/three", "/four"]) assertEquals(await ask(server, path), 404);
  // Threads write when they have a moment: the order of requests is not that of lines.
  const expected = ["/four", "/one", "/three", "/two"].join();
  await until("the lines", () => lines(server.log("logs/piped")).sort().join() === expected);
  assertStringIncludes(
    server.log("logs/error_log"),
    "AH00106: piped log program 'exec cat >> logs/piped' failed unexpectedly",
  );
});

Deno.test({
  name: "logs: a graceful restart starts programs anew; at the end none is left, and nothing is lost",
  ignore: !linux,
}, async () => {
  const config = BASE + `
ErrorLog "|$exec cat >> logs/errors"
CustomLog "|$exec cat >> logs/piped" "%U"
`;
  const server = await TestServer.start({ config, files: FILES });
  try {
    await ask(server, "/one");
    const programs = () =>
      programsOf(server.pid).filter(({ command }) => command.startsWith("cat ")).map(({ pid }) => pid);
    const before = await until("two programs", () => programs().length === 2 ? programs() : undefined);
    await server.restartGracefully();
    await until("other programs", () => {
      const now = programs();
      return now.length === 2 && now.every((pid) => !before.includes(pid));
    });
    await ask(server, "/two");
    const last = programs();
    await server.stop();
    await until("the programs to end", () => last.every((pid) => !isAlive(pid)));
    assertEquals(server.log("logs/piped"), "/one\n/two\n");
    const errors = server.log("logs/errors");
    assertStringIncludes(errors, "AH00493: SIGUSR1 received");
    assertStringIncludes(errors, "AH00491: caught SIGTERM, shutting down");
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

function isAlive(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}/exe`);
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "logs: a program that does not read holds nobody up; what it does not take is lost, and told",
  ignore: !linux,
}, async () => {
  const config = BASE + 'CustomLog "|$exec sleep 1000" "%r"\nCustomLog logs/other "%s"\n';
  await using server = await TestServer.start({ config, files: FILES });
  const path = `/${"x".repeat(8000)}`;
  for (let i = 0; i < 600; i++) assertEquals(await ask(server, path), 404, `request ${i}`);
  await until(
    "the message",
    () =>
      /AH00646: Error writing to \|\$exec sleep 1000: its reader is too slow/.test(
        server.log("logs/error_log"),
      ),
  );
  assertEquals(lines(server.log("logs/other")).length, 600);
});

Deno.test(
  { name: "logs: a full disk loses lines, not requests, and is told once", ignore: !linux },
  async () => {
    const config = BASE +
      'CustomLog /dev/full "%r"\nCustomLog logs/other "%s"\nThreadsPerChild 1\nStartServers 1\n';
    await using server = await TestServer.start({ config, files: FILES });
    for (let i = 0; i < 20; i++) assertEquals(await ask(server, "/"), 200);
    await until("the lines", () => lines(server.log("logs/other")).length === 20);
    const told = lines(server.log("logs/error_log")).filter((line) => line.includes("AH00646"));
    assertEquals(told.length, 1);
    assertMatch(
      told[0],
      /\[log_config:error\] .* Error writing to \/dev\/full: \(28\)No space left on device/,
    );
  },
);

Deno.test({ name: "logs: an error log that cannot be written stops nobody", ignore: !linux }, async () => {
  const config = BASE + `ErrorLog /dev/full\n<Location /no>\n  Require all denied\n</Location>\n`;
  await using server = await TestServer.start({ config, files: FILES });
  for (let i = 0; i < 5; i++) assertEquals(await ask(server, "/no"), 403);
  assertEquals(await ask(server, "/"), 200);
});

Deno.test(
  { name: "logs: a directory that goes away comes back with a graceful restart", ignore: !unix },
  async () => {
    const config = BASE + 'CustomLog logs/deep/access "%U"\nErrorLog logs/deep/errors\nPidFile @ROOT@/pid\n';
    await using server = await TestServer.start({ config, files: FILES });
    assertEquals(await ask(server, "/"), 200);
    await Deno.remove(server.path("logs/deep"), { recursive: true });
    assertEquals(await ask(server, "/"), 200);
    await server.restartGracefully();
    await until("the new error log", () => server.log("logs/deep/errors").includes("resuming"));
    await until("a line in the new log", async () => {
      assertEquals(await ask(server, "/again"), 404);
      return server.log("logs/deep/access").includes("/again");
    });
  },
);

Deno.test(
  { name: "logs: lines of any length stay whole, whoever writes at the same time", ignore: !unix },
  async () => {
    const config = BASE + `
LimitRequestFieldSize 70000
StartServers 2
ThreadsPerChild 2
MaxRequestWorkers 4
CustomLog logs/long "%{X-Long}i|%{X-Last}i"
`;
    await using server = await TestServer.start({ config, files: FILES });
    const sizes = [10, 5000, 20_000, 60_000];
    // Each \xff becomes four characters: lines of up to 240 kB.
    await Promise.all(Array.from({ length: 8 }, async (_, client) => {
      for (const size of sizes) {
        const fields = { "X-Long": "\u00ff".repeat(size), "X-Last": `${client} ${size}` };
        assertEquals(await askBytes(server, fields), 200);
      }
    }));
    await until("all lines", () => lines(server.log("logs/long")).length === 8 * sizes.length);
    const seen = new Set<string>();
    for (const line of lines(server.log("logs/long"))) {
      const [, text, client, size] = /^((?:\\xff)+)\|(\d) (\d+)$/.exec(line) ?? [];
      assertEquals(text?.length, Number(size) * 4, line.slice(-100));
      seen.add(`${client} ${size}`);
    }
    assertEquals(seen.size, 8 * sizes.length);
  },
);

/** As ask(), with bytes above ASCII in the fields. */
async function askBytes(server: TestServer, fields: Readonly<Record<string, string>>): Promise<number> {
  const text = ["GET / HTTP/1.1", "Host: main.example", "Connection: close"]
    .concat(Object.entries(fields).map(([name, value]) => `${name}: ${value}`)).join("\r\n") + "\r\n\r\n";
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  const answer = await new Response(connection.readable).text();
  return Number(answer.split(" ")[1]);
}

Deno.test({
  name: "logs: lines of one write reach a program whole, whoever writes at the same time",
  ignore: !unix,
}, async () => {
  const config = BASE + `
StartServers 2
ThreadsPerChild 2
MaxRequestWorkers 4
CustomLog "|$exec cat >> logs/piped" "%U|${"y".repeat(900)}|%U"
`;
  await using server = await TestServer.start({ config, files: FILES });
  assertEquals((await load(server.port, 16, 3000)).answered, 3000);
  await until("all lines", () => lines(server.log("logs/piped")).length === 3000);
  for (const line of lines(server.log("logs/piped"))) assertMatch(line, /^(\/index\.html)\|y{900}\|\1$/);
});

Deno.test("logs: hosts with and without logs of their own, GlobalLog, conditions", async () => {
  const config = BASE + `
LogFormat "%v %U" who
CustomLog logs/main who
GlobalLog logs/global who
CustomLog logs/failed who "expr=%{REQUEST_STATUS} -ge 400"
CustomLog logs/marked who env=marked
CustomLog logs/unmarked who env=!marked
<VirtualHost *:@PORT@>
  ServerName main.example
</VirtualHost>
<VirtualHost *:@PORT@>
  ServerName own.example
  ErrorLog logs/own_errors
  LogLevel info
  LogFormat "%U only"
  TransferLog logs/own
</VirtualHost>
`;
  await using server = await TestServer.start({ config, files: FILES });
  await ask(server, "/");
  await ask(server, "/missing");
  await ask(server, "/own", { Host: "own.example" });
  // Refused at level info.
  await ask(server, "/%00", { Host: "own.example" });
  await ask(server, "/%00");
  await until("the lines", () => lines(server.log("logs/global")).length === 5);
  // As httpd shows it: the index file took the place of its directory.
  const main = ["main.example /index.html", "main.example /missing"];
  assertEquals(lines(server.log("logs/main")).slice(0, 2), main);
  assertEquals(lines(server.log("logs/main")).length, 3);
  assertEquals(lines(server.log("logs/failed")).slice(0, 1), main.slice(1));
  assertEquals(server.log("logs/marked"), "");
  assertEquals(server.log("logs/unmarked"), server.log("logs/main"));
  assertEquals(lines(server.log("logs/own"))[0], "/own only");
  assertMatch(
    server.log("logs/own_errors"),
    /^\[[^\]]+\] \[core:info\] \[pid \d+:tid \d+\] \[client 127\.0\.0\.1:\d+\] the path has a NUL: /m,
  );
  assert(!server.log("logs/error_log").includes("core:info"), "LogLevel of another host");
});

Deno.test("logs: LogLevel of a place, ErrorLogFormat, and one number in both logs", async () => {
  const config = BASE + `
ErrorLogFormat "%l|%m|%{cu}t|%L|%M"
ErrorLogFormat request "request %L of %v"
CustomLog logs/access "%L %U"
<Location /quiet>
  Require all denied
  LogLevel crit
</Location>
<Location /loud>
  Require all denied
</Location>
`;
  await using server = await TestServer.start({ config, files: FILES });
  assertEquals(await ask(server, "/quiet"), 403);
  assertEquals(await ask(server, "/loud"), 403);
  await until("both lines", () => lines(server.log("logs/access")).length === 2);
  const [quiet, loud] = lines(server.log("logs/access"));
  assertEquals(quiet, "- /quiet");
  const id = loud.split(" ")[0];
  assertMatch(id, /^[\w-]{11}$/);
  const about = lines(server.log("logs/error_log")).filter((line) => line.includes(id));
  assertEquals(about[0], `request ${id} of main.example`);
  assertMatch(about[1], /^error\|authz_core\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\|[\w-]{11}\|AH01630: /);
  assertEquals(about.length, 2);
});

Deno.test("logs: json, a line an object", async () => {
  await using server = await TestServer.start({ config: BASE + "CustomLog logs/json json\n", files: FILES });
  await ask(server, "/?a=%22", { "User-Agent": 'one "two" \\', Referer: "http://x/" });
  const line = await until("the line", () => server.log("logs/json") || undefined);
  const { time, duration_us, pid, ...rest } = JSON.parse(line);
  assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$/);
  assert(Number.isInteger(duration_us) && Number.isInteger(pid));
  assertEquals(rest, {
    client: "127.0.0.1",
    user: null,
    host: "main.example",
    method: "GET",
    request: "GET /?a=%22 HTTP/1.1",
    protocol: "HTTP/1.1",
    status: 200,
    bytes: 15,
    keep_alive: 0,
    connection: "-",
    log_id: null,
    referer: "http://x/",
    user_agent: 'one "two" \\',
  });
});

Deno.test("logs: what a request shows when its answer is kept", async () => {
  const config = BASE + 'CustomLog logs/access "%U|%q|%f|%r|%>s|%B"\n';
  await using server = await TestServer.start({ config, files: FILES });
  for (let i = 0; i < 4; i++) {
    assertEquals(await ask(server, "/?a=1", { Connection: "keep-alive, close" }), 200);
  }
  await until("the lines", () => lines(server.log("logs/access")).length === 4);
  const [first, ...others] = lines(server.log("logs/access"));
  assertMatch(first, /^\/index\.html\|\?a=1\|.*index\.html\|GET \/\?a=1 HTTP\/1\.1\|200\|15$/);
  for (const other of others) assertEquals(other, first);
});

Deno.test("logs: buffered lines are written within seconds, and before a generation ends", async () => {
  const config = BASE + 'BufferedLogs On\nCustomLog logs/access "%U"\n';
  await using server = await TestServer.start({ config, files: FILES });
  await ask(server, "/one");
  await until("the line", () => server.log("logs/access") === "/one\n");
  await ask(server, "/two");
  await server.restartGracefully();
  await until("the line", () => server.log("logs/access") === "/one\n/two\n");
});

Deno.test("logs: files rotate by time in all children together", async () => {
  const config = BASE + `
StartServers 2
ThreadsPerChild 1
MaxRequestWorkers 2
CustomLog "rotate:logs/access.%H%M%S 1" "%U"
<Location "/server-status">
  SetHandler server-status
</Location>
`;
  await using server = await TestServer.start({ config, files: FILES });
  const names = () =>
    [...Deno.readDirSync(server.path("logs"))].map(({ name }) => name).filter((name) => /^access/.test(name));
  let asked = 0;
  await until("three files", async () => {
    asked += (await load(server.port, 4, 50)).answered;
    return names().length >= 3;
  });
  const total = () => names().reduce((sum, name) => sum + lines(server.log(`logs/${name}`)).length, 0);
  await until("all lines", () => total() === asked);
  assert((await status(server)).has("Uptime"));
});

Deno.test("logs: what cannot be is told with its place, by -t too", async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    const bad: Readonly<Record<string, string>> = {
      "LogLevel loud": "LogLevel requires level keyword",
      "LogLevel core:loud": "LogLevel requires level keyword",
      'ErrorLogFormat "%Z"': "Unrecognized error log format directive %Z",
      "ErrorLogFormat both %M": "must be connection or request",
      "ErrorLog syslog:loud": 'no facility "loud"',
      'ErrorLog "|"': "the program is missing",
      'CustomLog "|a \'b" common': "quotation mark",
      'CustomLog logs/a "%Z"': "Unrecognized LogFormat directive %Z",
      'CustomLog logs/a common "expr=%{"': "Error in condition clause",
      "CustomLog logs/a common if=x": "error in condition clause",
      'CustomLog "rotate:logs/a" common': "rotate: takes a file",
      "BufferedLogs maybe": "must be On or Off",
    };
    const directives = Object.keys(bad);
    await Deno.writeTextFile(`${root}/httpd.conf`, `Listen 127.0.0.1:1\n${directives.join("\n")}\n`);
    const { code, stderr } = await runCommand(["-t", "-d", root, "-f", "httpd.conf"]);
    assertEquals(code, 1);
    directives.forEach((directive, index) => {
      assertStringIncludes(stderr, bad[directive]);
      assertMatch(stderr, new RegExp(`(line |:)${index + 2}\\b`), directive);
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test(
  { name: "logs: a program that is not there keeps the server from starting", ignore: !unix },
  async () => {
    const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
    try {
      await Deno.writeTextFile(`${root}/httpd.conf`, 'Listen 127.0.0.1:1\nCustomLog "|bin/none x" common\n');
      const { code, stderr } = await runCommand(["-d", root, "-f", "httpd.conf"]);
      assertEquals(code, 1);
      assertMatch(stderr, /AH00649: could not open transfer log file \|bin\/none x: .*none/);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);

Deno.test(
  { name: "logs: UNIQUE_ID is one and the same for a request, and another for each", ignore: !unix },
  async () => {
    const config = BASE + `
StartServers 2
ThreadsPerChild 2
MaxRequestWorkers 4
SetEnv shared "by what is kept in memory"
LogFormat "%{UNIQUE_ID}e %{UNIQUE_ID}e" plain
CustomLog logs/ids plain
CustomLog logs/again "%{UNIQUE_ID}e"
CustomLog logs/found "%{UNIQUE_ID}e" "expr=%{ENV:UNIQUE_ID} =~ /^[\\\\w-]{27}$/"
<IfModule !unique_id_module>
  Error "it is built in"
</IfModule>
`;
    await using server = await TestServer.start({ config, files: FILES });
    const { answered } = await load(server.port, 16, 500);
    assertEquals(answered, 500);
    const found = await until("the lines", () => {
      const found = lines(server.log("logs/found"));
      return found.length === 500 ? found : undefined;
    });
    assertEquals(new Set(found).size, 500);
    for (const id of found) assertMatch(id, /^[\w-]{27}$/);
    assertEquals(lines(server.log("logs/again")), found);
    assertEquals(lines(server.log("logs/ids")), found.map((id) => `${id} ${id}`));
  },
);
