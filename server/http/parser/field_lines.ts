// How is a header section read? RFC 9112 §5, line by line: the same function reads a section at one go,
// goes on when more bytes have come, and reads trailers.

import { FAULTS, ProtocolError } from "./errors.ts";
import type { FieldBlock } from "./field_block.ts";
import { BREAKS_VALUE, CLASS, COLON, CR, FIELD_VALUE, HTAB, LF, SP, TCHAR } from "./grammar.ts";
import type { ParserOptions } from "./options.ts";

/** What a reader returns if its part of the message goes on behind the bytes there are. */
export const INCOMPLETE = -1;

/**
 * Reads field lines of `block.bytes` from `line` on into `block`. Returns the offset behind the blank line
 * that ends the section, or INCOMPLETE with `block.nextLine` at the line to go on with. Throws ProtocolError.
 */
export function readFields(
  block: FieldBlock,
  options: Required<ParserOptions>,
  line: number,
  end: number,
): number {
  const bytes = block.bytes;
  for (;;) {
    // The usual line: token, colon, blanks, value, CRLF. Whatever is different is looked at again by oddLine.
    let name = line;
    while (name < end && (CLASS[bytes[name]] & TCHAR) !== 0) name++;
    if (name > line) {
      if (name < end && bytes[name] === COLON) {
        let start = name + 1;
        while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
        let stop = start;
        while (stop < end && (CLASS[bytes[stop]] & FIELD_VALUE) !== 0) stop++;
        if (stop + 1 < end && bytes[stop] === CR && bytes[stop + 1] === LF) {
          if (stop - line > options.limitRequestFieldSize) throw new ProtocolError(FAULTS.fieldTooLong);
          block.add(line, name, start, trimEnd(bytes, start, stop));
          checkCount(block, options);
          line = stop + 2;
          continue;
        }
      }
    } else if (line < end) {
      if (bytes[line] === CR && line + 1 < end && bytes[line + 1] === LF) return line + 2;
      if (bytes[line] === LF && !options.strict) return line + 1;
    }
    const next = oddLine(block, options, line, end);
    if (next === INCOMPLETE) {
      block.nextLine = line;
      return INCOMPLETE;
    }
    line = next;
  }
}

/**
 * A line that is not complete, goes on with the field before it, or is wrong. Returns the next line's offset
 * or INCOMPLETE.
 */
function oddLine(block: FieldBlock, options: Required<ParserOptions>, line: number, end: number): number {
  const bytes = block.bytes;
  let lf = line;
  while (lf < end && bytes[lf] !== LF) lf++;
  if (lf === end) {
    if (beyondLimit(bytes, line, end, options.limitRequestFieldSize)) {
      throw new ProtocolError(FAULTS.fieldTooLong);
    }
    return INCOMPLETE;
  }
  const hasCr = lf > line && bytes[lf - 1] === CR;
  const stop = hasCr ? lf - 1 : lf;
  if (stop - line > options.limitRequestFieldSize) throw new ProtocolError(FAULTS.fieldTooLong);
  if (!hasCr && options.strict) throw new ProtocolError(FAULTS.bareLineFeed);
  if (bytes[line] === SP || bytes[line] === HTAB) foldedLine(block, options, line, stop);
  else if (options.strict) throw strictFault(bytes, line, stop);
  else unsafeLine(block, options, line, stop);
  return lf + 1;
}

/**
 * True if a line without its end is longer than `limit` already; its last byte may be the CR of the line end.
 */
export function beyondLimit(bytes: Uint8Array, line: number, end: number, limit: number): boolean {
  const length = end - line;
  return length > limit + 1 || (length === limit + 1 && bytes[end - 1] !== CR);
}

function checkCount(block: FieldBlock, options: Required<ParserOptions>): void {
  if (block.headerCount > options.limitRequestFields && options.limitRequestFields !== 0) {
    throw new ProtocolError(FAULTS.tooManyFields);
  }
}

function foldedLine(block: FieldBlock, options: Required<ParserOptions>, line: number, stop: number): void {
  const bytes = block.bytes;
  if (block.headerCount === 0) throw new ProtocolError(FAULTS.foldBeforeField);
  const start = skipBlanks(bytes, line, stop);
  if (start === stop) throw new ProtocolError(FAULTS.emptyFold);
  checkValue(bytes, start, stop, options.strict);
  if (block.fold(trimEnd(bytes, start, stop)) > options.limitRequestFieldSize) {
    throw new ProtocolError(FAULTS.foldedFieldTooLong);
  }
}

/** What is wrong with a line under Strict that readFields did not take: its name, or else its value. */
function strictFault(bytes: Uint8Array, line: number, stop: number): ProtocolError {
  let name = line;
  while (name < stop && (CLASS[bytes[name]] & TCHAR) !== 0) name++;
  const named = name > line && name < stop && bytes[name] === COLON;
  return new ProtocolError(named ? FAULTS.badFieldValue : FAULTS.badFieldName);
}

function unsafeLine(block: FieldBlock, options: Required<ParserOptions>, line: number, stop: number): void {
  const bytes = block.bytes;
  let name = line;
  while (name < stop && bytes[name] !== COLON) name++;
  if (name === stop) throw new ProtocolError(FAULTS.noColon);
  if (name === line) throw new ProtocolError(FAULTS.emptyFieldName);
  for (let at = line; at < name; at++) {
    if (bytes[at] === SP || bytes[at] === HTAB || (CLASS[bytes[at]] & BREAKS_VALUE) !== 0) {
      throw new ProtocolError(FAULTS.blankInFieldName);
    }
  }
  const start = skipBlanks(bytes, name + 1, stop);
  checkValue(bytes, start, stop, false);
  block.add(line, name, start, trimEnd(bytes, start, stop));
  checkCount(block, options);
}

function checkValue(bytes: Uint8Array, start: number, stop: number, strict: boolean): void {
  for (let at = start; at < stop; at++) {
    const kind = CLASS[bytes[at]];
    if (strict && (kind & FIELD_VALUE) === 0) throw new ProtocolError(FAULTS.badFieldValue);
    if (!strict && (kind & BREAKS_VALUE) !== 0) throw new ProtocolError(FAULTS.brokenFieldValue);
  }
}

function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
  return end;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
  return start;
}
