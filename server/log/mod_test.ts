// Is `@std/log` what std's log module was?

import { resetSync } from "@logtape/logtape";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as log from "@std/log";

class Memory extends log.BaseHandler {
  readonly texts: string[] = [];
  readonly events: string[] = [];
  override setup(): void {
    this.events.push("setup");
  }
  override destroy(): void {
    this.events.push("destroy");
  }
  log(text: string): void {
    this.texts.push(text);
  }
}

Deno.test("std log: handlers get what reaches their level and their logger's", () => {
  const all = new Memory("NOTSET");
  const errors = new Memory("ERROR");
  log.setup({
    handlers: { all, errors },
    loggers: { default: { level: "INFO", handlers: ["all", "errors"] } },
  });
  log.debug("d");
  log.info("i");
  log.warn("w");
  log.error("e");
  log.critical("c");
  assertEquals(all.texts, ["INFO i", "WARN w", "ERROR e", "CRITICAL c"]);
  assertEquals(errors.texts, ["ERROR e", "CRITICAL c"]);
});

Deno.test("std log: loggers form a hierarchy; a handler that is named twice is called once", () => {
  const general = new Memory("NOTSET");
  const own = new Memory("NOTSET");
  log.setup({
    handlers: { general, own },
    loggers: {
      default: { level: "WARN", handlers: ["general"] },
      db: { level: "DEBUG", handlers: ["general", "own"] },
    },
  });
  log.getLogger("db.pool").debug("a");
  log.getLogger("web").info("b");
  log.getLogger("web").warn("c");
  assertEquals(general.texts, ["DEBUG a", "WARN c"]);
  assertEquals(own.texts, ["DEBUG a"]);
  assertEquals(log.getLogger("db.pool").levelName, "DEBUG");
  assertEquals(log.getLogger("web").level, log.LogLevels.WARN);
});

Deno.test("std log: messages are returned; functions are called only if somebody listens", () => {
  const memory = new Memory("NOTSET");
  log.setup({ handlers: { memory }, loggers: { default: { level: "INFO", handlers: ["memory"] } } });
  let calls = 0;
  const costly = () => ++calls;
  assertEquals(log.debug(costly), undefined);
  assertEquals(calls, 0);
  assertEquals(log.info(costly), 1);
  assertEquals(log.info({ a: [1] }), { a: [1] });
  assertEquals(log.debug("unheard"), "unheard");
  log.info("{a} stays");
  log.info(undefined);
  assertEquals(memory.texts, ["INFO 1", 'INFO {"a":[1]}', "INFO {a} stays", "INFO undefined"]);
});

Deno.test("std log: a formatter sees record, arguments and logger", () => {
  const memory = new Memory("NOTSET", {
    formatter: ({ msg, args, loggerName, level, datetime }) =>
      [msg, args.join(), loggerName, level, datetime instanceof Date].join("|"),
  });
  log.setup({ handlers: { memory }, loggers: { default: { level: "DEBUG", handlers: ["memory"] } } });
  log.getLogger("db").warn("m", 1, 2);
  assertEquals(memory.texts, ["m|1,2|db|30|true"]);
});

Deno.test("std log: httpd's levels go by LogTape's, and are kept in the record", () => {
  const memory = new Memory("NOTSET", {
    formatter: ({ levelName, properties }) => `${properties.httpdLevel}=${levelName}`,
  });
  log.setup({ handlers: { memory }, loggers: { default: { level: "NOTSET", handlers: ["memory"] } } });
  for (const level of log.HTTPD_LEVELS) log.getLogger("core").log(level, "x");
  assertEquals(memory.texts.slice(0, 9), [
    "emerg=CRITICAL",
    "alert=CRITICAL",
    "crit=CRITICAL",
    "error=ERROR",
    "warn=WARN",
    "notice=INFO",
    "info=INFO",
    "debug=DEBUG",
    "trace1=NOTSET",
  ]);
  assertEquals(memory.texts.length, 16);
});

Deno.test("std log: another setup() destroys the handlers of the one before", () => {
  const first = new Memory("NOTSET");
  log.setup({ handlers: { first }, loggers: { default: { handlers: ["first"] } } });
  log.setup({});
  log.critical("nobody listens");
  assertEquals(first.events, ["setup", "destroy"]);
  assertEquals(first.texts, []);
});

Deno.test("std log: the same name is the same logger; a handler that is not there is an error", () => {
  assertStrictEquals(log.getLogger("a"), log.getLogger("a"));
  assertThrows(
    () => log.setup({ loggers: { default: { handlers: ["nowhere"] } } }),
    RangeError,
    "the logger default has no handler nowhere",
  );
});

Deno.test("std log: a file handler appends, empties or refuses, as its mode says", async () => {
  const path = await Deno.makeTempFile({ prefix: "mpmd-log-" });
  const write = (mode: "a" | "w" | "x") => {
    const file = new log.FileHandler("INFO", { filename: path, mode });
    log.setup({ handlers: { file }, loggers: { default: { handlers: ["file"] } } });
    log.info(mode);
    file.flush();
    log.setup({});
  };
  try {
    write("w");
    write("a");
    assertEquals(await Deno.readTextFile(path), "INFO w\nINFO a\n");
    write("w");
    assertEquals(await Deno.readTextFile(path), "INFO w\n");
    assertThrows(() => write("x"), Deno.errors.AlreadyExists);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("std log: without a setup(), messages from INFO go to the console", () => {
  resetSync();
  const lines: unknown[] = [];
  const original = console.log;
  console.log = (line) => lines.push(line);
  try {
    log.debug("d");
    log.info("i");
  } finally {
    console.log = original;
    log.setup({});
  }
  assertEquals(lines, ["INFO i"]);
});
