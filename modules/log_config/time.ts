// How is a time written in a log? In the server's local time zone; the common form is made once a second.

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

let second = NaN;
let text = "";

/** [dd/Mon/yyyy:hh:mm:ss +zzzz] */
export function clfTime(ms: number): string {
  const now = Math.floor(ms / 1000);
  if (now !== second) {
    second = now;
    text = strftime("[%d/%b/%Y:%H:%M:%S %z]", ms);
  }
  return text;
}

/** strftime(3) in the C locale, for the conversions that make sense in a log. */
export function strftime(format: string, ms: number): string {
  const date = new Date(ms);
  return format.replace(/%([A-Za-z%])/g, (whole, conversion: string) => {
    switch (conversion) {
      case "a":
        return DAYS[date.getDay()].slice(0, 3);
      case "A":
        return DAYS[date.getDay()];
      case "b":
      case "h":
        return MONTHS[date.getMonth()].slice(0, 3);
      case "B":
        return MONTHS[date.getMonth()];
      case "c":
        return strftime("%a %b %e %H:%M:%S %Y", ms);
      case "C":
        return two(Math.floor(date.getFullYear() / 100));
      case "d":
        return two(date.getDate());
      case "D":
        return strftime("%m/%d/%y", ms);
      case "e":
        return String(date.getDate()).padStart(2, " ");
      case "F":
        return strftime("%Y-%m-%d", ms);
      case "H":
        return two(date.getHours());
      case "I":
        return two((date.getHours() + 11) % 12 + 1);
      case "j":
        return String(dayOfYear(date)).padStart(3, "0");
      case "m":
        return two(date.getMonth() + 1);
      case "M":
        return two(date.getMinutes());
      case "n":
        return "\n";
      case "p":
        return date.getHours() < 12 ? "AM" : "PM";
      case "R":
        return strftime("%H:%M", ms);
      case "s":
        return String(Math.floor(ms / 1000));
      case "S":
        return two(date.getSeconds());
      case "t":
        return "\t";
      case "T":
        return strftime("%H:%M:%S", ms);
      case "u":
        return String(date.getDay() || 7);
      case "w":
        return String(date.getDay());
      case "y":
        return two(date.getFullYear() % 100);
      case "Y":
        return String(date.getFullYear());
      case "z":
        return zone(date);
      case "%":
        return "%";
      default:
        return whole;
    }
  });
}

function dayOfYear(date: Date): number {
  const begin = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - begin) / 86_400_000 + 1;
}
