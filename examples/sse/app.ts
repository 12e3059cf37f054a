// How are events sent to browsers as they happen? Server-sent events: a stream that never ends of its own accord.
//
//   deno run -A mod.ts examples/sse/app.ts
//   curl -N http://localhost:8080/events

const PAGE = `<!doctype html><meta charset="utf-8"><title>Clock</title><p id="time">…</p>
<script>new EventSource("/events").onmessage = ({ data }) => { document.getElementById("time").textContent = data; };</script>
`;

/** One event a second, until the client goes away: then cancel() is called. */
function clock(): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      const tick = () => controller.enqueue(encoder.encode(`data: ${new Date().toISOString()}\n\n`));
      tick();
      timer = setInterval(tick, 1000);
    },
    cancel() {
      clearInterval(timer);
    },
  });
}

export default {
  fetch(request: Request): Response {
    if (new URL(request.url).pathname !== "/events") {
      return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    return new Response(clock(), {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  },
};
