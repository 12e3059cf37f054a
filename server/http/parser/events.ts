// What does the parser tell after having read some bytes?

/** The results of `RequestParser.next()`. */
export const ParserEvent = {
  /** All bytes were read; more are needed. */
  NeedData: 0,
  /** The head is complete (`parser.head`). */
  Head: 1,
  /** Bytes of the body (`parser.dataStart`, `parser.dataEnd`). */
  Data: 2,
  /** The request is complete; bytes from `parser.pos` on belong to the next one. */
  End: 3,
  /** The request is wrong (`parser.error`), and nothing behind it can be read. */
  Error: 4,
} as const;
