// What does parsing one request cost? `deno bench bench/parser_bench.ts`; the time is that of 100 requests.

import { ParserEvent, RequestParser } from "../server/http/parser/mod.ts";

const SMALL = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BROWSER = [
  "GET /articles/2026/an-ordinary-page.html?from=index HTTP/1.1",
  "Host: www.example.org",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
  "sec-ch-ua-mobile: ?0",
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9",
  'If-None-Match: "1f4-62a1b2c3d4e5f"',
  "Cookie: session=0123456789abcdef",
  "\r\n",
].join("\r\n");

function serve(name: string, request: string): void {
  const bytes = new Uint8Array(65536);
  const { written } = new TextEncoder().encodeInto(request, bytes);
  const parser = new RequestParser({});
  Deno.bench(`100 requests of ${written} bytes, ${name}`, () => {
    for (let i = 0; i < 100; i++) {
      if (parser.next(bytes, 0, written) !== ParserEvent.Head) throw new Error("no head");
      if (parser.head.target.length === 0) throw new Error("no target");
      if (parser.next(bytes, parser.pos, written) !== ParserEvent.End) throw new Error("no end");
      parser.reset();
    }
  });
}

serve("as wrk sends them", SMALL);
serve("as browsers send them", BROWSER);
