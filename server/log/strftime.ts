// How is a time written in a log? In the server's local time zone; a text is made once for all the lines of a second.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

const DAY_MS = 86_400_000;

function dayOfYear(date: Date): number {
  const begin = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - begin) / DAY_MS + 1;
}

/** Week of the year when weeks begin on `first` (0 Sunday, 1 Monday), days before the first such day in week 0. */
function week(date: Date, first: number): number {
  return Math.floor((dayOfYear(date) + 6 - (date.getDay() + 7 - first) % 7) / 7);
}

/** Year and week of ISO 8601: a week belongs to the year of its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return { year: thursday.getFullYear(), week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 };
}

const hour12 = (date: Date): number => (date.getHours() + 11) % 12 + 1;

/** The conversions of strftime(3) in the C locale, but for those that follow from others. */
const CONVERSIONS: ReadonlyMap<string, (date: Date) => string> = new Map([
  ["a", (date) => DAYS[date.getDay()].slice(0, 3)],
  ["A", (date) => DAYS[date.getDay()]],
  ["b", (date) => MONTHS[date.getMonth()].slice(0, 3)],
  ["B", (date) => MONTHS[date.getMonth()]],
  ["C", (date) => two(Math.floor(date.getFullYear() / 100))],
  ["d", (date) => two(date.getDate())],
  ["e", (date) => String(date.getDate()).padStart(2)],
  ["g", (date) => two(isoWeek(date).year % 100)],
  ["G", (date) => String(isoWeek(date).year)],
  ["H", (date) => two(date.getHours())],
  ["I", (date) => two(hour12(date))],
  ["j", (date) => String(dayOfYear(date)).padStart(3, "0")],
  ["k", (date) => String(date.getHours()).padStart(2)],
  ["l", (date) => String(hour12(date)).padStart(2)],
  ["m", (date) => two(date.getMonth() + 1)],
  ["M", (date) => two(date.getMinutes())],
  ["n", () => "\n"],
  ["p", (date) => date.getHours() < 12 ? "AM" : "PM"],
  ["P", (date) => date.getHours() < 12 ? "am" : "pm"],
  ["s", (date) => String(Math.floor(date.getTime() / 1000))],
  ["S", (date) => two(date.getSeconds())],
  ["t", () => "\t"],
  ["u", (date) => String(date.getDay() || 7)],
  ["U", (date) => two(week(date, 0))],
  ["V", (date) => two(isoWeek(date).week)],
  ["w", (date) => String(date.getDay())],
  ["W", (date) => two(week(date, 1))],
  ["y", (date) => two(date.getFullYear() % 100)],
  ["Y", (date) => String(date.getFullYear())],
  ["z", zone],
  ["Z", zoneName],
  ["%", () => "%"],
]);

/** Conversions that stand for several. */
const COMPOUND: ReadonlyMap<string, string> = new Map([
  ["c", "%a %b %e %H:%M:%S %Y"],
  ["D", "%m/%d/%y"],
  ["F", "%Y-%m-%d"],
  ["h", "%b"],
  ["r", "%I:%M:%S %p"],
  ["R", "%H:%M"],
  ["T", "%H:%M:%S"],
  ["x", "%m/%d/%y"],
  ["X", "%H:%M:%S"],
]);

const zones = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" });

function zoneName(date: Date): string {
  return zones.formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/**
 * strftime(3) in the C locale. What is no conversion stays as it is.
 * @param ms milliseconds since 1970
 */
export function strftime(format: string, ms: number): string {
  const date = new Date(ms);
  return format
    .replace(/%([cDFhrRTxX%])/g, (whole, letter: string) => COMPOUND.get(letter) ?? whole)
    .replace(/%([A-Za-z%])/g, (whole, letter: string) => CONVERSIONS.get(letter)?.(date) ?? whole);
}

/** A function that gives strftime's text, which it makes anew when the second (of ms since 1970) is another one. */
export function timeFormat(format: string): (ms: number) => string {
  let second = NaN;
  let text = "";
  return (ms) => {
    const now = Math.floor(ms / 1000);
    if (now !== second) {
      text = strftime(format, ms);
      second = now;
    }
    return text;
  };
}

/** What %t is: [dd/Mon/yyyy:hh:mm:ss +zzzz] */
export const CLF_TIME = "[%d/%b/%Y:%H:%M:%S %z]";
