// What may others use of filters? The types that modules write them against, how a body passes through one, and the chains of a thread.

export { FilterChains } from "./chains.ts";
export { filterNames, filterRows } from "./directives.ts";
export { type BodyFilter, filterBody, type FilterOptions, joined, wholeBody } from "./filter_body.ts";
export { filterRequestBody } from "./filter_request_body.ts";
export { NOTHING_READY, type Pieces, piecesOf } from "./pieces.ts";
export { FilterType, type InputFilter, type OutputFilter } from "./types.ts";
