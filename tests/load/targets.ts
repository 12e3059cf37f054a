// What is asked for? Files in all ways, an application with all kinds of answers and bodies, the status page; each knows what has to
// come back.

import { compare, type Question, type Target } from "./client.ts";
import { content } from "./application.ts";
import { CODING_DIRECTIVES, inCodings } from "./codings.ts";
import { Random } from "./random.ts";
import type { Received } from "./response_reader.ts";

/** Sizes of the files, in bytes: nothing, one, and around the places where the server changes its ways. */
const FILE_SIZES = [0, 1, 14, 1000, 65_535, 65_536, 65_537, 400_000, 3_000_000];
const NOT_FOUND = "nothing is here, says the site\n";

/** Files below `htdocs/` for the targets, by path. */
export function loadFiles(): Record<string, Uint8Array<ArrayBuffer>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    "none.txt": new TextEncoder().encode(NOT_FOUND),
  };
  for (const size of FILE_SIZES) {
    const random = new Random(size + 1);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = random.below(256);
    files[`f${size}.bin`] = bytes;
  }
  return files;
}

/** What a configuration needs for the targets, beside DocumentRoot with the files and the application at /app. */
export const LOAD_DIRECTIVES = `
MaxKeepAliveRequests 0
ErrorDocument 404 /none.txt
FileETag Size
${CODING_DIRECTIVES}<Location "/server-status">
  SetHandler server-status
</Location>
`;

/** Most often the small ones: they are where answers meet each other. */
function size(random: Random, most: number): number {
  return random.chance(0.8)
    ? random.below(300)
    : random.chance(0.8)
    ? random.below(70_000)
    : random.below(most);
}

function fileTargets(files: Readonly<Record<string, Uint8Array>>): Target[] {
  const names = Object.keys(files).filter((name) => name.endsWith(".bin"));
  // The large ones take the time of many small.
  const pick = (random: Random) => {
    const name = random.pick(names);
    return files[name].length > 100_000 && random.chance(0.9) ? names[2] : name;
  };
  const get = (name: string, number: number): Question => ({
    method: "GET",
    target: `/${name}?${number}`,
    status: 200,
    answer: files[name],
  });
  return [
    (number, random) => get(pick(random), number),
    (_, random) => {
      const name = pick(random);
      return { ...get(name, 0), target: `/${name}` };
    },
    (number, random) => {
      const name = pick(random);
      const answer = ({ fields, body }: Received) =>
        fields.get("etag") === undefined || body.length > 0 ? "no ETag, or a body" : undefined;
      return { ...get(name, number), method: "HEAD", answer };
    },
    (number, random) => {
      const name = pick(random);
      const { length } = files[name];
      const fields = [["If-None-Match", `"${length.toString(16)}"`]] as const;
      return { ...get(name, number), fields, status: 304, answer: new Uint8Array(0) };
    },
    (number, random) => {
      const name = random.pick(names.filter((each) => files[each].length >= 1000));
      const { length } = files[name];
      const from = random.below(length);
      const to = Math.min(length - 1, from + random.below(5000));
      const answer = ({ fields, body }: Received) =>
        fields.get("content-range") === `bytes ${from}-${to}/${length}`
          ? compare(body, files[name].subarray(from, to + 1))
          : "another range";
      return { ...get(name, number), fields: [["Range", `bytes=${from}-${to}`]], status: 206, answer };
    },
    (number) => ({
      method: "GET",
      target: `/nowhere/${number}`,
      status: 404,
      answer: new TextEncoder().encode(NOT_FOUND),
    }),
    (number) => ({
      method: "GET",
      target: `/server-status?auto&${number}`,
      status: 200,
      answer: ({ body }) =>
        /^ServerVersion: [^]*^Scoreboard: \S+\n/m.test(new TextDecoder().decode(body))
          ? undefined
          : "no status",
    }),
  ];
}

function applicationTargets(): Target[] {
  const targets: Target[] = [];
  const numbered = (number: number, bytes: Uint8Array) => ({ fields, body }: Received) =>
    fields.get("x-number") === String(number) ? compare(body, bytes) : "the answer to another request";
  for (const name of ["text", "bytes", "blob", "one", "many", "turns", "slow", "sized", "late", "settled"]) {
    targets.push((number, random) => {
      const length = size(random, 500_000);
      const method = random.chance(0.1) ? "HEAD" : "GET";
      const bytes = method === "HEAD" ? new Uint8Array(0) : content(number, length);
      const target = `/app/${name}?n=${number}&length=${length}`;
      return { method, target, status: 200, answer: numbered(number, bytes) };
    });
  }
  targets.push((number) => ({
    method: "GET",
    target: `/app/json?n=${number}`,
    fields: [["X-Asked", `by ${number}`]],
    status: 200,
    answer: numbered(number, new TextEncoder().encode(JSON.stringify({ number, asked: `by ${number}` }))),
  }), (number) => ({
    method: "GET",
    target: `/app/nothing?n=${number}`,
    status: 204,
    answer: numbered(number, new Uint8Array(0)),
  }));
  for (const name of ["echo", "echo-stream", "unread"]) {
    targets.push((number, random) => {
      const body = content(number, 1 + size(random, 1_000_000));
      const chunked = random.chance(0.3);
      // Who answers before anybody reads closes: whether the body will come is not known then.
      const expects = name === "echo" && random.chance(0.05);
      const answer = name === "unread" ? content(number, 20) : body;
      const target = `/app/${name}?n=${number}&length=20`;
      return {
        method: "POST",
        target,
        body,
        chunked,
        expects,
        status: 200,
        answer: numbered(number, answer),
      };
    });
  }
  return targets;
}

/** All there is to ask of a server with `files` below its DocumentRoot, and the application at /app. */
export function loadTargets(files: Readonly<Record<string, Uint8Array>>): Target[] {
  return [...fileTargets(files), ...applicationTargets()].map(inCodings);
}
