// What does HTTP say about content, apart from moving it? The public surface of the pure functions of this folder.

export { checkConditions, type Conditions, rangeApplies, type RangeCondition } from "./conditional.ts";
export {
  ERROR_PAGE_TYPE,
  errorPage,
  type ErrorPageInput,
  serverSignature,
  type SignatureParts,
} from "./error_page.ts";
export {
  ETAG_ALL,
  ETAG_DEFAULT,
  ETagPart,
  type ETagSource,
  fileETag,
  listHasETag,
  sameETag,
} from "./etag.ts";
export { fieldOf, merged, withField, without } from "./fields.ts";
export { escapeHtml, escapeHtmlAscii, isFieldName, isFieldValue } from "./field_value.ts";
export { currentHttpDate, formatHttpDate, parseHttpDate } from "./http_date.ts";
export {
  normalisePath,
  type NormalPath,
  type PathError,
  type PathOptions,
  type SplitTarget,
  splitTarget,
} from "./path.ts";
export {
  type ByteRange,
  contentRange,
  type MultipartLayout,
  multipartLayout,
  parseRange,
  type RangeLimits,
} from "./range.ts";
export { dropsConnection, hasNoBody, reasonPhrase } from "./status.ts";
export { type BannerParts, serverBanner, type ServerTokens, serverTokensForms } from "./tokens.ts";
