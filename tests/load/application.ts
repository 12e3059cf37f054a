// What does the application answer that loads are tried on? Each answer has the number of its request in it, again and again, so that
// no other request's can be taken for it. Loaded by the server under test, and by the client for what it has to expect.

const encoder = new TextEncoder();

/** `length` bytes that only request `number` gets. */
export function content(number: number, length: number): Uint8Array<ArrayBuffer> {
  const mark = encoder.encode(`${number}|`);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += mark.length) bytes.set(mark.subarray(0, length - at), at);
  return bytes;
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A stream of `bytes` in `count` pieces; `wait` (ms) before each but the first, -1: at once. */
function stream(bytes: Uint8Array, count: number, wait: number): ReadableStream<Uint8Array> {
  const size = Math.ceil(bytes.length / count);
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at > 0 && wait >= 0) await (wait === 0 ? undefined : later(wait));
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at += size));
      else controller.close();
    },
  });
}

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const number = Number(url.searchParams.get("n"));
    const length = Number(url.searchParams.get("length"));
    const headers = { "x-number": String(number) };
    const bytes = () => content(number, length);
    switch (url.pathname.split("/").at(-1)) {
      case "text":
        return new Response(new TextDecoder().decode(bytes()), { headers });
      case "json":
        return Response.json({ number, asked: request.headers.get("x-asked") }, { headers });
      case "bytes":
        return new Response(bytes(), { headers });
      case "blob":
        return new Response(new Blob([bytes()]), { headers });
      case "nothing":
        return new Response(null, { status: 204, headers });
      case "one":
        return new Response(stream(bytes(), 1, -1), { headers });
      case "many":
        return new Response(stream(bytes(), 7, -1), { headers });
      case "turns":
        return new Response(stream(bytes(), 5, 0), { headers });
      case "slow":
        return new Response(stream(bytes(), 4, 1), { headers });
      case "sized":
        return new Response(stream(bytes(), 3, -1), {
          headers: { ...headers, "content-length": String(length) },
        });
      case "late":
        await later(2);
        return new Response(bytes(), { headers });
      case "settled":
        for (let i = 0; i < number % 30; i++) await undefined;
        return new Response(bytes(), { headers });
      case "echo":
        return new Response(await request.bytes(), { headers });
      case "echo-stream":
        return new Response(request.body, { headers });
      case "unread":
        return new Response(bytes(), { headers });
      case "socket": {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.binaryType = "arraybuffer";
        socket.onmessage = ({ data }) => socket.send(data);
        return response;
      }
      default:
        throw new Error(`nothing at ${url.pathname}`);
    }
  },
};
