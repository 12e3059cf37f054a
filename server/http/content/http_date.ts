// How is a moment written in a header field, and which moment does a date field name (RFC 9110 §5.6.7)?

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LONG_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TWO_DIGITS = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, "0"));

const DAY = 86_400;
const FIRST = -62_167_219_200; // 0000-01-01T00:00:00Z
const LAST = 253_402_300_799; // 9999-12-31T23:59:59Z
const FIFTY_YEARS = 50 * 365.25 * DAY;

// The day part is the same for nearly all calls: it is kept for the last day asked for.
let prefixDay = NaN;
let prefix = "";

function dayPrefix(day: number): string {
  const date = new Date(day * DAY * 1000);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  const weekday = DAYS[date.getUTCDay()];
  return `${weekday}, ${TWO_DIGITS[date.getUTCDate()]} ${MONTHS[date.getUTCMonth()]} ${year} `;
}

/**
 * IMF-fixdate of a moment in epoch seconds (a fraction is cut off), such as `Sun, 06 Nov 1994 08:49:37 GMT`.
 * Throws RangeError outside the years 0 to 9999, which the format cannot write.
 */
export function formatHttpDate(epochSeconds: number): string {
  const seconds = Math.floor(epochSeconds);
  if (!(seconds >= FIRST && seconds <= LAST)) throw new RangeError(`no HTTP date for ${epochSeconds} s`);
  const day = Math.floor(seconds / DAY);
  if (day !== prefixDay) {
    prefix = dayPrefix(day);
    prefixDay = day;
  }
  const second = seconds - day * DAY;
  const minute = (second / 60) | 0;
  const hour = (second / 3600) | 0;
  return prefix + TWO_DIGITS[hour] + ":" + TWO_DIGITS[minute % 60] + ":" + TWO_DIGITS[second % 60] + " GMT";
}

let currentSecond = NaN;
let currentText = "";

/** Value of the Date field at `now` (epoch seconds, whole): made once for each second, apart from other dates. */
export function currentHttpDate(now: number): string {
  if (now !== currentSecond) {
    currentText = formatHttpDate(now);
    currentSecond = now;
  }
  return currentText;
}

/** Two decimal digits at `at`, or NaN, which fails every range check below. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/** Seconds of the day named by `hh:mm:ss` at `at`, or NaN. Second 60 is a leap second, counted as the next one. */
function timeOfDay(text: string, at: number): number {
  if (text[at + 2] !== ":" || text[at + 5] !== ":") return NaN;
  const hour = twoDigits(text, at);
  const minute = twoDigits(text, at + 3);
  const second = twoDigits(text, at + 6);
  return hour <= 23 && minute <= 59 && second <= 60 ? hour * 3600 + minute * 60 + second : NaN;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days from 1970-01-01 to a day of the Gregorian calendar (months from 0); years count from March, after the leap day. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month < 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 10) % 12) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

function epochSeconds(year: number, month: number, day: number, time: number): number | undefined {
  if (!(year >= 0 && month >= 0 && day >= 1 && time >= 0)) return undefined;
  const length = month === 1
    ? (isLeap(year) ? 29 : 28)
    : month === 3 || month === 5 || month === 8 || month === 10
    ? 30
    : 31;
  return day <= length ? daysSinceEpoch(year, month, day) * DAY + time : undefined;
}

/** The latest year with these two last digits whose date is not more than 50 years ahead (RFC 9110 §5.6.7). */
function fullYear(twoDigitYear: number, month: number, day: number, time: number, now: number): number {
  const thisYear = new Date(now * 1000).getUTCFullYear();
  let year = thisYear - (thisYear % 100) + 100 + twoDigitYear;
  while (daysSinceEpoch(year, month, day) * DAY + time > now + FIFTY_YEARS) year -= 100;
  return year;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
function parseImfFixdate(text: string): number | undefined {
  if (text.length !== 29 || !DAYS.includes(text.slice(0, 3)) || !text.startsWith(", ", 3)) return undefined;
  if (text[7] !== " " || text[11] !== " " || text[16] !== " " || !text.endsWith(" GMT")) return undefined;
  const year = twoDigits(text, 12) * 100 + twoDigits(text, 14);
  return epochSeconds(year, MONTHS.indexOf(text.slice(8, 11)), twoDigits(text, 5), timeOfDay(text, 17));
}

/** `Sunday, 06-Nov-94 08:49:37 GMT` */
function parseRfc850(text: string, now: number | undefined): number | undefined {
  const comma = text.indexOf(",");
  if (text.length !== comma + 24 || !LONG_DAYS.includes(text.slice(0, comma))) return undefined;
  if (text[comma + 1] !== " " || text[comma + 4] !== "-" || text[comma + 8] !== "-") return undefined;
  if (text[comma + 11] !== " " || !text.endsWith(" GMT")) return undefined;
  const day = twoDigits(text, comma + 2);
  const month = MONTHS.indexOf(text.slice(comma + 5, comma + 8));
  const time = timeOfDay(text, comma + 12);
  const year = fullYear(twoDigits(text, comma + 9), month, day, time, now ?? Date.now() / 1000);
  return epochSeconds(year, month, day, time);
}

/** `Sun Nov  6 08:49:37 1994` */
function parseAsctime(text: string): number | undefined {
  if (text.length !== 24 || !DAYS.includes(text.slice(0, 3)) || text[3] !== " " || text[7] !== " ") {
    return undefined;
  }
  if (text[10] !== " " || text[19] !== " ") return undefined;
  const day = text[8] === " " ? twoDigits("0" + text[9], 0) : twoDigits(text, 8);
  const year = twoDigits(text, 20) * 100 + twoDigits(text, 22);
  return epochSeconds(year, MONTHS.indexOf(text.slice(4, 7)), day, timeOfDay(text, 11));
}

/**
 * Epoch seconds named by an HTTP-date in one of the three formats of RFC 9110 §5.6.7, or undefined. Exact in layout,
 * case and calendar; the day of the week must be a name but need not fit the date, as in httpd. `now` (epoch seconds,
 * default: the clock) places the two-digit year of the RFC 850 format.
 */
export function parseHttpDate(text: string, now?: number): number | undefined {
  return parseImfFixdate(text) ?? parseRfc850(text, now) ?? parseAsctime(text);
}
