// Does a conditional request go on, or is it answered 304 or 412 (RFC 9110 §13, in httpd's order)?
//
// Where httpd and the RFC differ, httpd is followed: If-Unmodified-Since counts beside If-Match, and a failed
// If-Modified-Since counts beside a matching If-None-Match. In two points the RFC is: a date that is no HTTP-date, and a
// date condition on something without Last-Modified, are as if the field was not sent (§13.1.3, §13.1.4).

import { listHasETag, sameETag } from "./etag.ts";
import { parseHttpDate } from "./http_date.ts";

/** What If-Range is decided by. Times are whole epoch seconds. */
export interface RangeCondition {
  readonly ifRange?: string | undefined;
  /** of the selected representation, as it will be sent */
  readonly etag?: string | undefined;
  readonly lastModified?: number | undefined;
  /** time of the request */
  readonly now: number;
}

/** A conditional request for a representation that exists and would be answered 2xx. */
export interface Conditions extends RangeCondition {
  readonly method: string;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
  /** a Range field was sent */
  readonly hasRange: boolean;
}

/** A modification this recent (seconds) may be followed by one with the same date: the date is a weak validator. */
const WEAK_FOR = 60;

function dateIsWeak(lastModified: number, now: number): boolean {
  return now < lastModified + WEAK_FOR;
}

function matches(list: string, etag: string | undefined, strong: boolean): boolean {
  return list.startsWith("*") || (etag !== undefined && listHasETag(list, etag, strong));
}

/** 0: go on; 304: the client's copy is good (GET, HEAD); 412: a precondition failed. */
export function checkConditions(request: Conditions): 0 | 304 | 412 {
  const { etag, lastModified, now, hasRange } = request;
  if (request.ifMatch !== undefined && !matches(request.ifMatch, etag, true)) return 412;
  if (request.ifUnmodifiedSince !== undefined && lastModified !== undefined) {
    const date = parseHttpDate(request.ifUnmodifiedSince, now);
    const newer = date !== undefined && lastModified > date;
    // httpd: weak evidence of a change does not fail a range request.
    if (newer && !(hasRange && dateIsWeak(lastModified, now))) return 412;
  }

  const safe = request.method === "GET" || request.method === "HEAD";
  let unmodified = false;
  let failed = false;
  if (request.ifNoneMatch !== undefined) {
    if (!matches(request.ifNoneMatch, etag, hasRange || !safe)) failed = true;
    else if (safe) unmodified = true;
    else return 412;
  }
  if (safe && request.ifModifiedSince !== undefined && lastModified !== undefined) {
    const date = parseHttpDate(request.ifModifiedSince, now);
    if (date !== undefined) {
      const fresh = date >= lastModified && date <= now && !(hasRange && dateIsWeak(lastModified, now));
      if (fresh) unmodified = true;
      else failed = true;
    }
  }
  // The range filter decides by If-Range whether all or a part is sent: either way something is sent.
  if (hasRange && request.ifRange !== undefined) return 0;
  return unmodified && !failed ? 304 : 0;
}

/**
 * May Range be honoured (RFC 9110 §13.1.5)? Without If-Range yes; else only if it is the current strong entity tag, or
 * exactly the date of Last-Modified when that is at least 60 s old.
 */
export function rangeApplies({ ifRange, etag, lastModified, now }: RangeCondition): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"') || ifRange.startsWith("W/")) {
    return etag !== undefined && sameETag(ifRange, etag, true);
  }
  if (lastModified === undefined || dateIsWeak(lastModified, now)) return false;
  return parseHttpDate(ifRange, now) === lastModified;
}
