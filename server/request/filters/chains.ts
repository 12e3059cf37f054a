// Which filters does a response pass through, and in which order? Those of the file's extensions, of SetOutputFilter, and those that
// modules insert; where nobody filters, the answer costs two looks.

import { discardReply } from "../../http/engine/body_sender.ts";
import { NO_BODY, type Reply } from "../../http/engine/reply.ts";
import type { Exchange, RequestBody } from "../exchange.ts";
import type { ModuleHooks } from "../module.ts";
import { setFilters } from "./directives.ts";
import type { InputFilter, OutputFilter } from "./types.ts";

/** What the chains of a thread are made of. */
export interface ChainParts {
  readonly hooks: readonly ModuleHooks[];
  readonly log: (ah: string, message: string, exchange: Exchange) => void;
}

/** The filters of one thread. */
export class FilterChains {
  readonly #parts: ChainParts;
  readonly #inserters: NonNullable<ModuleHooks["insertFilter"]>[];

  constructor(parts: ChainParts) {
    this.#parts = parts;
    this.#inserters = parts.hooks.flatMap(({ insertFilter }) => insertFilter ?? []);
  }

  /** The output filter of a name, whatever its case; undefined: no module has it. */
  outputFilter(name: string): OutputFilter | undefined {
    return this.#find(name, ({ outputFilters }) => outputFilters);
  }

  #find<F extends { readonly name: string }>(
    name: string,
    of: (hooks: ModuleHooks) => readonly F[] | undefined,
  ): F | undefined {
    const wanted = name.toLowerCase();
    for (const hooks of this.#parts.hooks) {
      const found = of(hooks)?.find((filter) => filter.name.toLowerCase() === wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The place, and the file if there is one, are known: finds the filters that the answer will pass through. */
  insert(exchange: Exchange): void {
    const { output, input } = exchange.dir.get(setFilters);
    const { namedFilters, body } = exchange;
    if (body !== undefined && (input !== undefined || namedFilters?.input !== undefined)) {
      const names = [...namedFilters?.input ?? [], ...input ?? []];
      exchange.body = this.#filteredBody(exchange, body, names);
    }
    let chain: OutputFilter[] | undefined;
    if (namedFilters?.output !== undefined || output !== undefined) {
      chain = this.#named(
        [...namedFilters?.output ?? [], ...output ?? []],
        exchange,
        (hooks) => hooks.outputFilters,
      );
    }
    for (const insert of this.#inserters) {
      const more = insert(exchange);
      if (more !== undefined) (chain ??= []).push(...more);
    }
    exchange.outputFilters = chain === undefined || chain.length === 0 ? undefined : inOrder(chain);
  }

  #named<F extends { readonly name: string }>(
    names: readonly string[],
    exchange: Exchange,
    of: (hooks: ModuleHooks) => readonly F[] | undefined,
  ): F[] {
    return names.flatMap((name) => {
      const filter = this.#find(name, of);
      if (filter !== undefined) return [filter];
      this.#parts.log("AH00082", `an unknown filter was not added: ${name}`, exchange);
      return [];
    });
  }

  /** The request's body as its handler reads it. */
  #filteredBody(exchange: Exchange, body: RequestBody, names: readonly string[]): RequestBody {
    if (body instanceof FilteredBody) return body;
    const chain = inOrder(this.#named<InputFilter>(names, exchange, (hooks) => hooks.inputFilters));
    if (chain.length === 0) return body;
    // What was inserted last is nearest to the client in httpd as here.
    return new FilteredBody(chain.reduceRight((inner, filter) => filter.filter(exchange, inner), body));
  }

  /** What of `reply` is sent when it has passed the filters of `exchange`. Whatever fails lets go of the body. */
  async filtered(exchange: Exchange, reply: Reply, chain: readonly OutputFilter[]): Promise<Reply> {
    let current = reply;
    try {
      for (const filter of chain) {
        // Expressions may ask for what is about to be sent.
        exchange.reply = current;
        if (filter.keepable !== true) exchange.dependsOn = "request";
        current = await filter.filter(exchange, current);
      }
    } catch (error) {
      discardReply(current);
      throw error;
    }
    return exchange.head.method === "HEAD" ? withoutBody(current) : current;
  }
}

/** A body that has passed its filters: an internal redirect does not have it pass them again. */
class FilteredBody implements RequestBody {
  readonly #body: RequestBody;

  constructor(body: RequestBody) {
    this.#body = body;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#body.stream();
  }

  whole(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#body.whole();
  }
}

/** Sorted by type, and those of a type as they came. */
function inOrder<F extends { readonly type: number }>(chain: readonly F[]): readonly F[] {
  return chain.length < 2 ? chain : chain.toSorted((a, b) => a.type - b.type);
}

/** The answer to HEAD: the head that GET would get. */
function withoutBody(reply: Reply): Reply {
  const { body } = reply;
  if (body.kind === "none") return reply;
  const length = body.kind === "bytes"
    ? body.bytes.length
    : body.kind === "text"
    ? new TextEncoder().encode(body.text).length
    : body.length;
  discardReply(reply);
  return { ...reply, body: NO_BODY, declaredLength: length };
}
