// How do clients of different server threads reach each other? A WebSocket chat: each thread has its own sockets, and a BroadcastChannel
// carries what is said to the threads of its process. Channels do not reach other processes: the chat runs in one child.
//
//   deno run -A mod.ts -c "StartServers 1" -c "MaxRequestWorkers 2" -c "ThreadsPerChild 2" examples/chat/app.ts

const PAGE = `<!doctype html><meta charset="utf-8"><title>Chat</title><form><input autofocus></form><ul></ul>
<script>
const socket = new WebSocket(location.href.replace(/^http/, "ws") + "chat");
const list = document.querySelector("ul"), input = document.querySelector("input");
socket.onmessage = ({ data }) => { const item = document.createElement("li"); item.textContent = data; list.prepend(item); };
document.querySelector("form").onsubmit = (event) => { event.preventDefault(); socket.send(input.value); input.value = ""; };
</script>
`;

const sockets = new Set<WebSocket>();
const channel = new BroadcastChannel("chat");

/** To the clients of this thread. */
function deliver(text: string): void {
  for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(text);
}

channel.onmessage = ({ data }) => deliver(data);

export default {
  fetch(request: Request): Response {
    if (request.headers.get("upgrade") !== "websocket") {
      return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => sockets.add(socket);
    socket.onclose = () => sockets.delete(socket);
    socket.onmessage = ({ data }) => {
      // A channel does not deliver to the thread that has posted.
      deliver(data);
      channel.postMessage(data);
    };
    return response;
  },
};
