// What does a client ask for that takes compressed answers, or sends compressed bodies? The same as others: what comes back is decoded, and has
// to be the same then.

import zlib from "node:zlib";
import { compare, type Question, type Target } from "./client.ts";
import type { Random } from "./random.ts";
import type { Received } from "./response_reader.ts";

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
};

/** What clients say they take. */
const ACCEPTED = [
  "gzip",
  "br",
  "zstd",
  "gzip, deflate, br, zstd",
  "gzip;q=0.5, deflate",
  "identity",
  "br;q=0, gzip",
];

/** For the server: everything may be compressed, fast, and is inflated where it came so. */
export const CODING_DIRECTIVES = `
SetOutputFilter ZSTD_COMPRESS;BROTLI_COMPRESS;DEFLATE
SetInputFilter DEFLATE
DeflateCompressionLevel 1
BrotliCompressionQuality 1
ZstdCompressionLevel 1
`;

/** `target` with some of its questions for compressed answers, and some bodies compressed. */
export function inCodings(target: Target): Target {
  return (number, random) => {
    const question = target(number, random);
    return withBody(withAnswer(question, random), random);
  };
}

function withAnswer(question: Question, random: Random): Question {
  const { method, status, answer, fields = [] } = question;
  if (method === "HEAD" || status !== 200 || !random.chance(0.25)) return question;
  const accepted = random.pick(ACCEPTED);
  return {
    ...question,
    fields: [...fields, ["Accept-Encoding", accepted]],
    answer(received) {
      const plain = decoded(received, accepted);
      if (typeof plain === "string") return plain;
      return answer instanceof Uint8Array ? compare(plain.body, answer) : answer(plain);
    },
  };
}

/** The answer without its coding, or what is wrong with that. */
function decoded(received: Received, accepted: string): Received | string {
  const coding = received.fields.get("content-encoding");
  if (coding === undefined) return received;
  if (!accepted.split(",").some((each) => each.trim().replace(";q=0.5", "") === coding)) {
    return `${coding} for a client that takes ${accepted}`;
  }
  try {
    return { ...received, body: DECODERS[coding](received.body) };
  } catch (error) {
    return `no ${coding}: ${(error as Error).message}`;
  }
}

function withBody(question: Question, random: Random): Question {
  const { body, fields = [] } = question;
  if (body === undefined || !random.chance(0.2)) return question;
  return {
    ...question,
    body: zlib.gzipSync(body, { level: 1 }),
    fields: [...fields, ["Content-Encoding", "gzip"]],
  };
}
