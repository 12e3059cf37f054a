// Does every WebSocket get back what it sent, and nothing else? Many at once, each with messages of its own, text and binary.

import { compare } from "./client.ts";
import { content } from "./application.ts";

const ROUNDS = 6;

/** One socket: sends its messages, two at a time, and says what came back wrong; undefined: nothing. */
function converse(url: string, number: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const sent: (string | Uint8Array<ArrayBuffer>)[] = [];
    let received = 0;
    const say = () => {
      for (let i = 0; i < 2; i++) {
        const bytes = content(number, 1 + (number * 131 + sent.length * 977) % 3000);
        const message = sent.length % 2 === 0 ? new TextDecoder().decode(bytes) : bytes;
        sent.push(message);
        socket.send(message);
      }
    };
    let fault: string | undefined = "closed before the end";
    const end = (what: string | undefined) => {
      fault = what;
      socket.close();
    };
    socket.onopen = say;
    socket.onmessage = ({ data }) => {
      const expected = sent[received++];
      if (expected === undefined) return end("a message that nobody sent");
      const wrong = typeof expected === "string"
        ? data !== expected
        : !(data instanceof ArrayBuffer) || compare(new Uint8Array(data), expected) !== undefined;
      if (wrong) return end(`message ${received} of ${number} is another's`);
      if (received === ROUNDS * 2) return end(undefined);
      if (received === sent.length) say();
    };
    socket.onerror = (event) => fault = `error: ${(event as ErrorEvent).message}`;
    socket.onclose = () => resolve(fault);
  });
}

/** `count` sockets at the same time. Returns what was wrong, by socket. */
export async function webSocketLoad(url: string, count: number): Promise<string[]> {
  const faults = await Promise.all(
    Array.from({ length: count }, (_, number) => converse(`${url}?n=${number}`, number)),
  );
  return faults.flatMap((fault, number) => fault === undefined ? [] : `${number}: ${fault}`);
}
