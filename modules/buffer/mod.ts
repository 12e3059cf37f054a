// Who does not want content in small pieces? mod_buffer: the filter BUFFER, for answers and for the bodies of requests.

import { ArgumentError, bytes, type Context, type Directive, dirKey } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import {
  filterBody,
  filterRequestBody,
  FilterType,
  type InputFilter,
  type OutputFilter,
  type Pieces,
} from "../../server/request/filters/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";

const bufferDir = dirKey<{ size: number | undefined }>("buffer", {
  create: () => ({ size: undefined }),
  merge: (base, over) => ({ size: over.size ?? base.size }),
});

/** Bytes. */
const DEFAULT_SIZE = 131_072;
const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const directives: readonly Directive[] = [{
  name: "BufferSize",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "BufferSize bytes",
  help: "How much the filter BUFFER collects before it passes it on",
  default: "131072",
  override: "All",
  apply([word], to) {
    const size = bytes(word);
    if (size === 0) throw new ArgumentError("must be a number of bytes above 0", true);
    to.dir.get(bufferDir).size = size;
  },
}];

/** `pieces` put together to `size` bytes, or to what there is when no more is ready and `flushes` says that somebody waits for it. */
async function* collected(
  pieces: Pieces,
  size: number,
  flushes: boolean,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(size);
  let used = 0;
  for await (const piece of pieces) {
    if (piece.length === 0 && flushes && used > 0) {
      yield buffer.slice(0, used);
      used = 0;
    }
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + size - used);
      buffer.set(part, used);
      used += part.length;
      at += part.length;
      if (used < size) continue;
      yield buffer;
      buffer = new Uint8Array(size);
      used = 0;
    }
  }
  if (used > 0) yield buffer.subarray(0, used);
}

const sizeOf = ({ dir }: Exchange): number => dir.get(bufferDir).size ?? DEFAULT_SIZE;

const outputFilter: OutputFilter = {
  name: "BUFFER",
  type: FilterType.ContentSet,
  keepable: true,
  filter(exchange, reply) {
    const { body } = reply;
    // Anything else is in large pieces already.
    if (body.kind !== "stream") return reply;
    return filterBody(reply, (pieces) => collected(pieces, sizeOf(exchange), true), { length: body.length });
  },
};

const inputFilter: InputFilter = {
  name: "BUFFER",
  type: FilterType.ContentSet,
  filter: (exchange, body) => filterRequestBody(body, (pieces) => collected(pieces, sizeOf(exchange), false)),
};

export const buffer: ServerModule = {
  name: "buffer_module",
  source: "mod_buffer.c",
  directives,
  hooks: () => ({ outputFilters: [outputFilter], inputFilters: [inputFilter] }),
};
