// How is a Huffman coded string read? RFC 7541, 5.2 and appendix B: a state machine that takes four bits at a time.
//
// The code is canonical: of each length the codes are given out in the order of the bytes. So the lengths say it all.

import { ConnectionError, ErrorCode } from "./error.ts";

/** Bits of the code of each byte, and of the end of a string (256). */
const LENGTHS: readonly number[] = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  30,
];

const END_OF_STRING = 256;

/** Of a step: a byte is complete (its number in the lowest bits); the string may end here; no string goes on so. */
const EMITS = 0x100;
const MAY_END = 0x200;
const FAILS = 0x400;
const STATE_SHIFT = 11;

/** The code as a tree: two numbers a node, a child's index or ~byte. */
function codeTree(): number[] {
  const tree = [0, 0];
  let code = 0;
  let width = 0;
  const order = [...LENGTHS.keys()].sort((a, b) => LENGTHS[a] - LENGTHS[b] || a - b);
  for (const symbol of order) {
    code *= 2 ** (LENGTHS[symbol] - width);
    width = LENGTHS[symbol];
    let node = 0;
    for (let bit = width - 1; bit >= 0; bit--) {
      const at = node * 2 + (Math.floor(code / 2 ** bit) & 1);
      if (bit === 0) tree[at] = ~symbol;
      else {
        if (tree[at] === 0) {
          tree[at] = tree.length / 2;
          tree.push(0, 0);
        }
        node = tree[at];
      }
    }
    code++;
  }
  return tree;
}

/** For each state (a node of the tree) and four bits: the next state and what else happens. */
function stepTable(): Int32Array {
  const tree = codeTree();
  const states = tree.length / 2;
  const padding = paddingStates(tree);
  const steps = new Int32Array(states * 16);
  for (let state = 0; state < states; state++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = state;
      let result = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const next = tree[node * 2 + (bits >> bit & 1)];
        if (next >= 0) node = next;
        else if (~next === END_OF_STRING) {
          result = FAILS;
          break;
        } else {
          result = EMITS | ~next;
          node = 0;
        }
      }
      if (padding.has(node)) result |= MAY_END;
      steps[state * 16 + bits] = result | node << STATE_SHIFT;
    }
  }
  return steps;
}

/** Where a string may end: within less than eight bits of the code of its end, which is all ones. */
function paddingStates(tree: readonly number[]): Set<number> {
  const states = new Set([0]);
  for (let node = 0, depth = 0; depth < 7; depth++) {
    node = tree[node * 2 + 1];
    states.add(node);
  }
  return states;
}

let steps: Int32Array | undefined;

/**
 * Decodes the bytes [start, end) of `source` into `target` from `at` on, which has room for it: a byte takes five bits at least.
 * Returns where it ends. @throws ConnectionError
 */
export function decodeHuffman(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const table = steps ??= stepTable();
  let state = 0;
  let step = MAY_END;
  for (let i = start; i < end; i++) {
    const byte = source[i];
    step = table[state << 4 | byte >> 4];
    if ((step & EMITS) !== 0) target[at++] = step;
    if ((step & FAILS) !== 0) break;
    step = table[step >> STATE_SHIFT << 4 | byte & 15];
    if ((step & EMITS) !== 0) target[at++] = step;
    if ((step & FAILS) !== 0) break;
    state = step >> STATE_SHIFT;
  }
  if ((step & (MAY_END | FAILS)) !== MAY_END) {
    throw new ConnectionError(ErrorCode.CompressionError, "a Huffman coded string does not end as it should");
  }
  return at;
}

/** The most bytes that `length` coded ones can be. */
export function mostDecoded(length: number): number {
  return Math.floor(length * 8 / 5);
}
