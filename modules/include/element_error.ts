// What is wrong with an element?

/** An element that cannot be carried out: the error message stands in its place. */
export class ElementError extends Error {
  override readonly name = "ElementError";
  constructor(message: string, readonly ah = "AH01365") {
    super(message);
  }
}
