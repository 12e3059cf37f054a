// What is thrown when the server cannot listen where it was told to?

/** `Listen` could not be carried out. The message is httpd's, with its number (AH00072 mostly). */
export class BindError extends Error {
  override readonly name = "BindError";
  /** `unsupported`: the system does not know addresses of this kind at all, which is no fault of a wildcard. */
  constructor(message: string, readonly unsupported = false) {
    super(message);
  }
}

/** AH00072 for an address, given as text. `reason`: errno and its text, where they are known. */
export function cannotBind(reason: string, address: string): BindError {
  return new BindError(
    `${reason}: AH00072: make_sock: could not bind to address ${address}`,
  );
}
