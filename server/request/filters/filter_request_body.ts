// How does the body of a request pass through a filter? At the pace of its handler, which sees a body like any other.

import type { RequestBody } from "../exchange.ts";
import { type BodyFilter, filteredStream, joined } from "./filter_body.ts";
import { piecesOf } from "./pieces.ts";

/** `body` as `filter` gives it. */
export function filterRequestBody(body: RequestBody, filter: BodyFilter): RequestBody {
  return new FilteredRequestBody(body, filter);
}

class FilteredRequestBody implements RequestBody {
  readonly #body: RequestBody;
  readonly #filter: BodyFilter;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;

  constructor(body: RequestBody, filter: BodyFilter) {
    this.#body = body;
    this.#filter = filter;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    // Asked for again it is the same one, which the platform then reports as locked or disturbed.
    return this.#stream ??= filteredStream(streamed(this.#body), this.#filter);
  }

  whole(): Promise<Uint8Array<ArrayBuffer>> {
    return joined(this.#filter(piecesOf(streamed(this.#body))));
  }
}

function streamed(body: RequestBody) {
  return { kind: "stream", stream: body.stream(), length: undefined } as const;
}
