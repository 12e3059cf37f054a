// Which request do the tests of expressions ask about? One made of plain values.

import type { ExpressionSubject } from "./subject.ts";

type Names = Readonly<Record<string, string>>;

/** A request for /a/b?q=1 from 10.1.2.3, with fields, environment and two files. */
export function testSubject(over: Partial<ExpressionSubject> = {}): ExpressionSubject & { varied: string[] } {
  const variables: Names = { REQUEST_URI: "/a/b", QUERY_STRING: "q=1", REMOTE_ADDR: "10.1.2.3" };
  const fields: Names = { "user-agent": "Test/1", "host": "www.example", "x-n": "42" };
  const environment: Names = { SET: "yes" };
  const notes: Names = { SET: "note" };
  const varied: string[] = [];
  return {
    varied,
    variable: (name) => variables[name],
    requestField(name, varies) {
      if (varies) varied.push(name);
      return fields[name];
    },
    responseField: (name) => name === "x-out" ? "out" : undefined,
    environment: (name) => environment[name],
    note: (name) => notes[name],
    osEnvironment: (name) => name === "HOME" ? "/root" : undefined,
    now: () => new Date(2026, 1, 3, 4, 5, 6).getTime(),
    files: {
      stat: (path) =>
        path === "/dir"
          ? { isFile: false, isDirectory: true, size: 0, mtime: 0, mode: 0o755 }
          : path === "/file"
          ? { isFile: true, isDirectory: false, size: 5, mtime: 1000, mode: 0o644 }
          : undefined,
      isLink: (path) => path === "/link",
      read: (path) => path === "/file" ? "hello" : undefined,
    },
    isReachable: (kind, target) => target === `/${kind}`,
    ...over,
  };
}
