// Which requests does the protocol suite consist of? Loads vectors/*.json, for the parser and for a live
// server alike.

import { fromFileUrl, join } from "@std/path";

/**
 * A text, or pieces of it, of which some are repeated; each character is the byte of its number (ISO 8859-1).
 */
export type VectorText =
  | string
  | readonly (string | { readonly repeat: readonly [text: string, times: number] })[];

/** What a request of the input is to be understood as; members that are absent are not compared. */
export interface ExpectedRequest {
  readonly method: string;
  readonly target: VectorText;
  /** As received: "1.1". */
  readonly version: string;
  /** Some of the fields: name in lower case, merged value. */
  readonly headers?: Readonly<Record<string, VectorText>>;
  /** Names (lower case) of fields that are not to be seen. */
  readonly absent?: readonly string[];
  readonly body?: string;
  /** All fields of the trailer section. */
  readonly trailers?: Readonly<Record<string, VectorText>>;
  readonly form?: string;
  /** Path and query. */
  readonly path?: string;
  /** null: the default host. */
  readonly host?: string | null;
  readonly port?: number;
  readonly keepAlive?: boolean;
  readonly sentKeepAlive?: boolean;
  readonly expectContinue?: boolean;
  /** null: none, or not to be heeded. */
  readonly upgrade?: string | null;
}

/** Settings a vector needs besides the defaults. */
export interface VectorOptions {
  readonly limitRequestLine?: number;
  readonly limitRequestFieldSize?: number;
  readonly limitRequestFields?: number;
  readonly limitRequestBody?: number;
  readonly allow09?: boolean;
  readonly lenientMethods?: boolean;
  readonly registeredMethods?: readonly string[];
}

/** How a vector ends: with an error, or with the end of input between requests, in a head, or in a body. */
export type VectorEnd = "clean" | "head" | "body" | { readonly error: number; readonly ah?: string };

/**
 * One connection: what the client sends, and what is to be made of it. Bytes behind a request that closes do
 * not count.
 */
export interface Vector {
  readonly name: string;
  /** HttpProtocolOptions; Strict if absent. */
  readonly mode?: "Strict" | "Unsafe";
  readonly options?: VectorOptions;
  readonly input: VectorText;
  /** Every request whose head is accepted, in order; the last may have an incomplete body. */
  readonly expect: readonly ExpectedRequest[];
  readonly then: VectorEnd;
  /** The connection is (not) to be closed after the last request. An error always closes it. */
  readonly close?: boolean;
}

/** The whole of a text that may be given in pieces. */
export function expand(text: VectorText): string {
  if (typeof text === "string") return text;
  return text.map((piece) => typeof piece === "string" ? piece : piece.repeat[0].repeat(piece.repeat[1]))
    .join("");
}

/** The bytes of a text in ISO 8859-1. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** The vectors of every file, by its name without ".json". */
export function loadVectors(): Map<string, Vector[]> {
  const folder = join(fromFileUrl(new URL(".", import.meta.url)), "vectors");
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) =>
    name.endsWith(".json")
  );
  return new Map(
    names.sort().map((name) => {
      const vectors: Vector[] = JSON.parse(Deno.readTextFileSync(join(folder, name)));
      return [name.slice(0, -".json".length), vectors];
    }),
  );
}
