// What is public of the request parser? Bytes in, events out: see parser.ts.

export { INCOMPLETE, ProtocolError } from "./errors.ts";
export { ParserEvent } from "./events.ts";
export { FieldBlock } from "./field_block.ts";
export { Field } from "./fields.ts";
export { type BodyKind, RequestHead } from "./head.ts";
export { KNOWN_METHODS } from "./methods.ts";
export { DEFAULT_PARSER_OPTIONS, type ParserOptions } from "./options.ts";
export { RequestParser } from "./parser.ts";
export type { TargetForm } from "./target.ts";
