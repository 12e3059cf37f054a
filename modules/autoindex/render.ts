// How does a listing look? HTML in the layout of httpd, so that style sheets and scripts that know that one work.

import { escapeHtml } from "../../server/http/content/mod.ts";
import { escapedPath } from "../alias/rules.ts";
import { type Entry, type Sorting, specialIcon } from "./entries.ts";
import { IndexOption, type IndexSettings, type SortKey } from "./settings.ts";

/** What a listing is made of. */
export interface Listing {
  /** The path of the directory, with its slash. */
  readonly path: string;
  readonly entries: readonly Entry[];
  readonly settings: IndexSettings;
  readonly options: number;
  readonly sorting: Sorting;
  /** What the client asked for beside the order: repeated in the links. */
  readonly repeated: string;
  /** HTML of HeaderName and ReadmeName; undefined: there is none. */
  readonly header: string | undefined;
  readonly readme: string | undefined;
  /** The header makes the beginning of the page. */
  readonly bare: boolean;
  readonly signature: string;
}

const DOCTYPE =
  '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n<html>\n';
const DOCTYPE_XHTML = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" ' +
  '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml">\n';

const DEFAULT_WIDTH = 23;
/** Where a date would be. */
const NO_DATE = " ".repeat(19);

const two = (number: number): string => String(number).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Local time to the minute. */
function dateText(modified: number, old: boolean): string {
  const date = new Date(modified);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const [day, month, year] = [two(date.getDate()), date.getMonth(), date.getFullYear()];
  return old ? `${day}-${MONTHS[month]}-${year} ${time}  ` : `${year}-${two(month + 1)}-${day} ${time}  `;
}

/** Four characters: bytes, or a number in units of 1024, its square and so on. */
export function sizeText(size: number): string {
  if (size < 0) return "  - ";
  if (size < 973) return `${String(size).padStart(3)} `;
  for (let value = size, unit = 0;; unit++) {
    let remain = value % 1024;
    value = Math.floor(value / 1024);
    if (value >= 973) continue;
    if (value < 9 || (value === 9 && remain < 973)) {
      remain = Math.floor((remain * 5 + 256) / 512);
      if (remain >= 10) [value, remain] = [value + 1, 0];
      return `${value}.${remain}${"KMGTPE"[unit]}`;
    }
    return `${String(remain >= 512 ? value + 1 : value).padStart(3)}${"KMGTPE"[unit]}`;
  }
}

/** The path above, from which a client is led out of the directory. */
function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);
}

function anchor({ name, isParent }: Entry, path: string): string {
  const target = isParent ? escapedPath(parentPath(path)) : escapedPath(name);
  // A colon would make a scheme of what stands before it.
  return escapeHtml(!isParent && /^[^/]*:/.test(target) ? `./${target}` : target);
}

/** One rendering. */
class Page {
  readonly #listing: Listing;
  readonly #width: number;
  readonly #pads: boolean;

  constructor(listing: Listing) {
    this.#listing = listing;
    const { nameWidth = DEFAULT_WIDTH } = listing.settings;
    const longest = listing.entries.reduce((most, entry) => Math.max(most, shownName(entry).length), 4);
    this.#width = nameWidth === "*" ? longest : nameWidth;
    this.#pads = nameWidth !== "*" || !this.#has("HTMLTable");
  }

  #has(option: keyof typeof IndexOption): boolean {
    return (this.#listing.options & IndexOption[option]) !== 0;
  }

  get #end(): string {
    return this.#has("XHTML") ? " />" : ">";
  }

  /** ` class="…"` where there are classes, else what stands there without. */
  #class(name: string, without = ""): string {
    return this.#has("AddAltClass") ? ` class="${name}"` : without;
  }

  #image(source: string, alt: string): string {
    const { iconWidth, iconHeight } = this.#listing.settings;
    const size = (iconWidth ? ` width="${iconWidth}"` : "") + (iconHeight ? ` height="${iconHeight}"` : "");
    return `<img src="${escapeHtml(source)}" alt="${escapeHtml(alt)}"${size}${this.#end}`;
  }

  /** The icon of an entry; `without` where it has none. */
  #icon(entry: Entry, without: string): string {
    const source = entry.icon ?? this.#listing.settings.defaultIcon;
    const image = source === undefined ? without : this.#image(source, `[${entry.alt ?? "   "}]`);
    return this.#has("IconsAreLinks") ? `<a href="${anchor(entry, this.#listing.path)}">${image}</a>` : image;
  }

  /** The head of a column, which sorts by it. */
  #column(key: SortKey, title: string): string {
    if (this.#has("SuppressColumnSorting") || this.#has("IgnoreClient")) return title;
    const { sorting, repeated } = this.#listing;
    const order = sorting.key === key && !sorting.descending ? "D" : "A";
    return `<a href="?C=${key};O=${order}${repeated}">${title}</a>`;
  }

  /** The link of an entry, cut or filled up to the width. */
  #name(entry: Entry): string {
    const whole = shownName(entry);
    const width = this.#width;
    const name = whole.length > width ? `${whole.slice(0, width - 3)}..>` : whole;
    const padding = this.#pads ? " ".repeat(width - name.length) : "";
    return `<a href="${anchor(entry, this.#listing.path)}">${escapeHtml(name)}</a>${padding}`;
  }

  #description({ description }: Entry): string {
    if (description === undefined) return "";
    const { descriptionWidth } = this.#listing.settings;
    if (descriptionWidth === "*") return description;
    // What is not shown beside it is the description's room.
    const room = (descriptionWidth ?? DEFAULT_WIDTH) +
      (descriptionWidth !== undefined
        ? 0
        : (this.#has("SuppressSize") ? 7 : 0) + (this.#has("SuppressLastModified") ? 19 : 0));
    return cutMarkup(description, room);
  }

  plain(): string {
    const { entries, path } = this.#listing;
    const lines = entries.map((entry) =>
      `<li><a href="${anchor(entry, path)}"> ${escapeHtml(shownName(entry))}</a></li>\n`
    );
    return `<ul>${lines.join("")}</ul>\n`;
  }

  preformatted(): string {
    const { entries, settings } = this.#listing;
    let text = "<pre>";
    if (!this.#has("SuppressIcon")) {
      const blank = specialIcon(settings, "^^BLANKICON^^");
      text += blank === undefined ? "      " : `${this.#image(blank, "Icon ")} `;
    }
    text += `${this.#column("N", "Name")}${" ".repeat(this.#width - 3)}`;
    if (!this.#has("SuppressLastModified")) text += `${this.#column("M", "Last modified")}      `;
    if (!this.#has("SuppressSize")) text += `${this.#column("S", "Size")}  `;
    if (!this.#has("SuppressDescription")) text += this.#column("D", "Description");
    text += this.#has("SuppressRules") ? "\n" : `<hr${this.#end}`;
    for (const entry of entries) {
      if (!this.#has("SuppressIcon")) text += `${this.#icon(entry, "     ")} `;
      text += `${this.#name(entry)} `;
      if (!this.#has("SuppressLastModified")) {
        text += entry.modified < 0 ? NO_DATE : dateText(entry.modified, this.#has("UseOldDateFormat"));
      }
      if (!this.#has("SuppressSize")) text += `${sizeText(entry.size)}  `;
      if (!this.#has("SuppressDescription")) text += this.#description(entry);
      text += "\n";
    }
    return `${text}${this.#has("SuppressRules") ? "" : `<hr${this.#end}`}</pre>\n`;
  }

  table(): string {
    const { entries, settings } = this.#listing;
    const heads: string[] = [];
    if (!this.#has("SuppressIcon")) {
      const blank = specialIcon(settings, "^^BLANKICON^^");
      const image = blank === undefined ? "&nbsp;" : this.#image(blank, "[ICO]");
      heads.push(`<th${this.#class("indexcolicon", ' valign="top"')}>${image}</th>`);
    }
    heads.push(`<th${this.#class("indexcolname")}>${this.#column("N", "Name")}</th>`);
    if (!this.#has("SuppressLastModified")) {
      heads.push(`<th${this.#class("indexcollastmod")}>${this.#column("M", "Last modified")}</th>`);
    }
    if (!this.#has("SuppressSize")) {
      heads.push(`<th${this.#class("indexcolsize")}>${this.#column("S", "Size")}</th>`);
    }
    if (!this.#has("SuppressDescription")) {
      heads.push(`<th${this.#class("indexcoldesc")}>${this.#column("D", "Description")}</th>`);
    }
    const rule = this.#has("SuppressRules")
      ? ""
      : `   <tr${this.#class("indexbreakrow")}><th colspan="${heads.length}"><hr${this.#end}</th></tr>\n`;
    const rows = entries.map((entry, index) => this.#row(entry, index));
    return `  <table${this.#has("AddAltClass") ? ' id="indexlist"' : ""}>\n` +
      `   <tr${this.#class("indexhead")}>${heads.join("")}</tr>\n${rule}${rows.join("")}${rule}</table>\n`;
  }

  #row(entry: Entry, index: number): string {
    const kind = entry.alt === undefined ? "" : `-${escapeHtml(entry.alt.toLowerCase())}`;
    let row = this.#has("AddAltClass")
      ? `   <tr class="${index % 2 === 0 ? "even" : "odd"}${kind}">`
      : "<tr>";
    if (!this.#has("SuppressIcon")) {
      row += `<td${this.#class("indexcolicon", ' valign="top"')}>${this.#icon(entry, "&nbsp;")}</td>`;
    }
    row += `<td${this.#class("indexcolname")}>${this.#name(entry)}</td>`;
    if (!this.#has("SuppressLastModified")) {
      row += entry.modified < 0
        ? `<td${this.#class("indexcollastmod")}>&nbsp;</td>`
        : `<td${this.#class("indexcollastmod", ' align="right"')}>${
          dateText(entry.modified, this.#has("UseOldDateFormat"))
        }</td>`;
    }
    if (!this.#has("SuppressSize")) {
      row += `<td${this.#class("indexcolsize", ' align="right"')}>${sizeText(entry.size)}</td>`;
    }
    if (!this.#has("SuppressDescription")) {
      row += `<td${this.#class("indexcoldesc")}>${this.#description(entry) || "&nbsp;"}</td>`;
    }
    return `${row}</tr>\n`;
  }

  whole(): string {
    const { path, settings, header, readme, bare, signature } = this.#listing;
    const title = escapeHtml(path === "/" ? path : path.replace(/\/+$/, ""));
    let text = "";
    if (!bare) {
      text += `${this.#has("XHTML") ? DOCTYPE_XHTML : DOCTYPE} <head>\n  <title>Index of ${title}</title>\n`;
      if (settings.styleSheet !== undefined) {
        text += `  <link rel="stylesheet" href="${settings.styleSheet}" type="text/css"${this.#end}\n`;
      }
      text += `${settings.headInsert ?? ""} </head>\n <body>\n`;
    }
    const heading = this.#has("AddAltClass") ? '  <h1 id="indextitle">' : "<h1>";
    text += header ?? `${heading}Index of ${title}</h1>\n`;
    const fancy = this.#has("FancyIndexing");
    text += !fancy ? this.plain() : this.#has("HTMLTable") ? this.table() : this.preformatted();
    return `${text}${readme ?? signature}</body></html>\n`;
  }
}

/** "Parent Directory" for the way out. */
function shownName({ name, isParent }: Entry): string {
  return isParent ? "Parent Directory" : name;
}

/** `text` up to `room` characters, of which tags take none and entities one; what is cut ends with ">". */
function cutMarkup(text: string, room: number): string {
  let shown = 0;
  let kept = "";
  for (const [part] of text.matchAll(/<[^>]*>|&[#\w]+;|[^]/gu)) {
    const isTag = part.startsWith("<") && part.length > 1;
    if (!isTag && ++shown > room) return `${kept.slice(0, -1)}>`;
    kept += part;
  }
  return kept;
}

/** The page. */
export function renderListing(listing: Listing): string {
  return new Page(listing).whole();
}
