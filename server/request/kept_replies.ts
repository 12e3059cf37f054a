// Which answers are ready already? Whole messages that are the same for everybody, by target; or for everybody who says the same in one
// field, such as Accept-Encoding.

import type { PreparedReply } from "../http/engine/reply.ts";
import type { Exchange } from "./exchange.ts";

/** Targets; clients choose them, so there is a limit. */
const TARGETS = 1000;
/** Bytes of all messages of a virtual host on a thread. */
const BYTES = 64 * 1024 * 1024;
/** Different values of a field that are known to lead to an answer, and the longest of them. */
const VALUES = 32;
const LONGEST_VALUE = 256;

/** A message made ahead, and what the logs show of a request that it answers. */
export interface KeptReply extends
  Readonly<
    Pick<Exchange, "path" | "query" | "filename" | "handler" | "dir" | "environment" | "notes" | "variant">
  > {
  readonly prepared: PreparedReply;
}

/** Answers to one target that differ by one field of the request. */
interface Variants {
  /** An id of Field. */
  readonly field: number;
  /** By the field's value; several may lead to one. */
  readonly byValue: Map<string, KeptReply>;
}

/** The kept answers of one virtual host. */
export class KeptReplies {
  readonly #targets = new Map<string, KeptReply | Variants>();
  #bytes = 0;

  /** The answer for a request, good or not any more. */
  find(target: string, exchange: Exchange): KeptReply | undefined {
    const known = this.#targets.get(target);
    if (known === undefined || "prepared" in known) return known;
    return known.byValue.get(exchange.head.field(known.field) ?? "");
  }

  /** One of the answers that was made for the same form of the target before: it may serve this request's value of the field too. */
  #same({ byValue }: Variants, variant: string): KeptReply | undefined {
    for (const kept of byValue.values()) if (kept.variant === variant) return kept;
    return undefined;
  }

  /** Keeps what `make` gives for the target of `exchange`. */
  keep(exchange: Exchange, make: () => KeptReply | undefined): void {
    const { selectedBy, head: { target } } = exchange;
    if (selectedBy === undefined) {
      const kept = make();
      if (kept !== undefined) this.#put(target, kept, kept.prepared.bytes.length);
      return;
    }
    const value = exchange.head.field(selectedBy) ?? "";
    if (value.length > LONGEST_VALUE) return;
    const known = this.#targets.get(target);
    const variants = known !== undefined && "field" in known && known.field === selectedBy
      ? known
      : { field: selectedBy, byValue: new Map<string, KeptReply>() };
    const same = this.#same(variants, exchange.variant);
    const kept = same ?? make();
    if (kept === undefined) return;
    if (variants !== known) this.#put(target, variants, 0);
    if (variants.byValue.size >= VALUES) return;
    variants.byValue.set(value, kept);
    if (same === undefined) this.#grow(kept.prepared.bytes.length, target);
  }

  #put(target: string, entry: KeptReply | Variants, size: number): void {
    this.forget(target);
    if (this.#targets.size >= TARGETS) this.forget(this.#targets.keys().next().value!);
    this.#targets.set(target, entry);
    this.#grow(size, target);
  }

  #grow(size: number, target: string): void {
    this.#bytes += size;
    while (this.#bytes > BYTES) {
      const oldest = this.#targets.keys().next().value!;
      this.forget(oldest);
      if (oldest === target) return;
    }
  }

  /** The answers to `target` are not good any more. */
  forget(target: string): void {
    const known = this.#targets.get(target);
    if (known === undefined) return;
    this.#targets.delete(target);
    const kept = "prepared" in known ? [known] : new Set(known.byValue.values());
    for (const { prepared } of kept) this.#bytes -= prepared.bytes.length;
  }
}
