// Are header blocks read as RFC 7541 says, and those of others?

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import http2 from "node:http2";
import { Buffer } from "node:buffer";
import net from "node:net";
import { OutputBuffer } from "../engine/output.ts";
import { ConnectionError, ErrorCode } from "./error.ts";
import { FrameEvent, FrameParser } from "./frame_parser.ts";
import { type FieldStore, HeaderDecoder } from "./hpack_decoder.ts";
import { encodeField, encodeStatus } from "./hpack_encoder.ts";
import { decodeHuffman } from "./huffman.ts";

class Listed implements FieldStore {
  bytes = new Uint8Array(16);
  length = 0;
  readonly fields: [string, string][] = [];

  field(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const text = (from: number, to: number) => String.fromCharCode(...this.bytes.subarray(from, to));
    this.fields.push([text(nameStart, nameEnd), text(valueStart, valueEnd)]);
  }
}

const bytesOf = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));

function decoded(decoder: HeaderDecoder, block: Uint8Array): [string, string][] {
  const list = new Listed();
  decoder.decode(block, 0, block.length, list);
  return list.fields;
}

const FIRST: [string, string][] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];
const SECOND: [string, string][] = [...FIRST, ["cache-control", "no-cache"]];
const THIRD: [string, string][] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/index.html"],
  [":authority", "www.example.com"],
  ["custom-key", "custom-value"],
];

Deno.test("HPACK: the requests of RFC 7541, C.3 and C.4", () => {
  for (
    const blocks of [
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ]
  ) {
    const decoder = new HeaderDecoder(4096, 65_536);
    const [first, second, third] = blocks.map(bytesOf);
    assertEquals(decoded(decoder, first), FIRST);
    assertEquals(decoded(decoder, second), SECOND);
    assertEquals(decoded(decoder, third), THIRD);
  }
});

Deno.test("HPACK: the responses of RFC 7541, C.6, where the table is too small for all", () => {
  const decoder = new HeaderDecoder(256, 65_536);
  assertEquals(
    decoded(
      decoder,
      bytesOf(
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      ),
    ),
    [
      [":status", "302"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
      ["location", "https://www.example.com"],
    ],
  );
  assertEquals(decoded(decoder, bytesOf("4883 640e ffc1 c0bf")), [
    [":status", "307"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["location", "https://www.example.com"],
  ]);
  assertEquals(
    decoded(
      decoder,
      bytesOf(
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      ),
    ),
    [
      [":status", "200"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
      ["location", "https://www.example.com"],
      ["content-encoding", "gzip"],
      ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
    ],
  );
});

Deno.test("HPACK: what no block may have is an error of the connection", () => {
  for (
    const [hex, why] of [
      ["80", "index 0"],
      ["be", "an index behind the table"],
      ["ffffffffff7f", "a number without end"],
      ["828620", "a size update behind a field"],
      ["3fe2 1f", "a table that is larger than was offered"],
      ["0005 6162", "a string that goes on behind the block"],
      ["00", "no name"],
      ["0083 ffff ffff", "a Huffman code that never ends"],
      ["0081 00", "padding that is not of ones"],
      ["0082 07ff 00", "eight bits of padding"],
    ]
  ) {
    const block = bytesOf(hex);
    const error = assertThrows(() => decoded(new HeaderDecoder(4096, 65_536), block), ConnectionError);
    assertEquals(error.code, ErrorCode.CompressionError, why);
  }
});

Deno.test("HPACK: the codes of RFC 7541, appendix B, at the ends of the code", () => {
  const cases: [string, number][] = [
    ["ffc7", 0],
    ["fffffff3", 10],
    ["fffffffb", 22],
    ["f8", 38],
    ["1f", 97],
    ["ffffffef", 249],
    ["fffffbbf", 255],
  ];
  for (const [hex, byte] of cases) {
    const source = bytesOf(hex);
    const target = new Uint8Array(16);
    assertEquals(decodeHuffman(source, 0, source.length, target, 0), 1, hex);
    assertEquals(target[0], byte, hex);
  }
});

Deno.test("HPACK: a bomb is stored up to a limit, and ends the connection beyond another", () => {
  // A field of 4,000 bytes that is remembered, and named again by one byte each.
  const value = new Uint8Array(4000).fill(0x61);
  const literal = [0x40, 1, 0x78, 0x7f, 0xa1, 0x1e, ...value];
  const bomb = (times: number) => Uint8Array.from([...literal, ...new Array(times).fill(0xbe)]);
  const decoder = new HeaderDecoder(4096, 65_536);
  const store = new Listed();
  assertEquals(decoder.decode(bomb(40), 0, literal.length + 40, store), false);
  assertEquals(store.length <= 65_536, true);
  const error = assertThrows(() => decoded(decoder, bomb(200)), ConnectionError);
  assertEquals(error.code, ErrorCode.EnhanceYourCalm);
});

Deno.test("HPACK: the table is no larger in memory than what is in it", () => {
  const decoder = new HeaderDecoder(4096, 65_536);
  assertEquals(decoder.tableMemory, 0);
  for (let i = 0; i < 5000; i++) {
    const name = `x-${i % 100}`;
    const block = [0x40, name.length, ...new TextEncoder().encode(name), 3, 97, 98, 99];
    decoded(decoder, Uint8Array.from(block));
  }
  assertEquals(decoder.tableMemory > 0 && decoder.tableMemory <= 2 * 4096, true);
});

/** What a client of node:http2 sends for these requests, as header blocks. */
async function blocksOfNode(requests: [string, string][][]): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const server = net.createServer((socket) => {
    // SETTINGS, so that the client goes on.
    socket.write(Uint8Array.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    socket.on("data", (chunk: Buffer) => chunks.push(new Uint8Array(chunk)));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const client = http2.connect(`http://127.0.0.1:${port}`);
  client.on("error", () => {});
  const blocks: Uint8Array[] = [];
  const collect = () => {
    const all = new Uint8Array(Buffer.concat(chunks));
    const parser = new FrameParser();
    blocks.length = 0;
    for (let pos = 0;;) {
      const event = parser.next(all, pos, all.length);
      if (event === FrameEvent.NeedData) return;
      if (event === FrameEvent.Headers) blocks.push(parser.bytes.slice(parser.start, parser.end));
      pos = parser.pos;
    }
  };
  for (const fields of requests) {
    const headers: Record<string, string> = {};
    for (const [name, value] of fields) headers[name] = value;
    client.request(headers, { endStream: true }).on("error", () => {}).end();
  }
  while (blocks.length < requests.length) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  client.destroy();
  server.close();
  return blocks;
}

Deno.test("HPACK: what node:http2 encodes is what it was given", async () => {
  const name = fc.string({ unit: fc.constantFrom(..."abcdefgh-0123"), minLength: 1, maxLength: 20 })
    .map((text) => `x-${text}`);
  const value = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)) });
  const fields = fc.uniqueArray(fc.tuple(name, value), { selector: ([n]) => n, maxLength: 12 });
  const requests = fc.sample(fields, { numRuns: 80, seed: 42 }).map((list): [string, string][] => [
    [":method", "GET"],
    [":authority", "example.com"],
    [":scheme", "http"],
    [":path", "/"],
    ...list,
  ]);
  const decoder = new HeaderDecoder(4096, 65_536);
  const blocks = await blocksOfNode(requests);
  for (const [i, block] of blocks.entries()) assertEquals(decoded(decoder, block), requests[i]);
});

Deno.test("HPACK: what is encoded decodes to the same", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)),
    maxLength: 300,
  });
  const name = fc.oneof(
    fc.constantFrom("Content-Type", "Date", "Set-Cookie", "X-Long-Name-That-Nobody-Knows"),
    fc.string({ unit: fc.constantFrom(..."abcdefXYZ-"), minLength: 1, maxLength: 200 }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.array(fc.tuple(name, text), { maxLength: 20 }),
      (status, fields) => {
        const output = new OutputBuffer(64);
        encodeStatus(output, status);
        for (const [n, v] of fields) encodeField(output, n, v);
        assertEquals(
          decoded(new HeaderDecoder(0, 1 << 20), output.bytes.slice(0, output.length)),
          [[":status", String(status)], ...fields.map(([n, v]) => [n.toLowerCase(), v])] as [
            string,
            string,
          ][],
        );
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("HPACK: no bytes make the decoder throw anything but its error, or store more than its limit", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HeaderDecoder(4096, 4096);
      for (const block of blocks) {
        const store = new Listed();
        try {
          decoder.decode(block, 0, block.length, store);
        } catch (error) {
          if (!(error instanceof ConnectionError)) throw error;
          return;
        }
        assertEquals(store.length <= 4096, true);
      }
    }),
    { numRuns: 2000 },
  );
});
