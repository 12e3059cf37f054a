// What do the elements of one answer come to? Text goes on, elements are carried out in turn; what a condition leaves out is passed over.

import { type Condition, evaluateCondition, parseCondition } from "../../server/config/expression/mod.ts";
import { ArgumentError } from "../../server/config/mod.ts";
import { discardReply } from "../../server/http/engine/body_sender.ts";
import { Option, optionsOf } from "../../server/core/place_options.ts";
import { escapeHtml, fieldOf } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { strftime } from "../../server/log/strftime.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { NOTHING_READY, type Pieces, piecesOf } from "../../server/request/filters/mod.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { requestVariable } from "../../server/request/request_variables.ts";
import type { Part } from "../../server/request/subrequest.ts";
import { ElementError } from "./element_error.ts";
import { type Element, itemsOf } from "./elements.ts";
import { legacyCondition } from "./legacy_expression.ts";
import { sizeText } from "../autoindex/render.ts";
import { INCLUDE_DEFAULTS, includeDir, includeServer } from "./settings.ts";
import { expanded, setTimes, setVariables } from "./variables.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Content that may stand in a page. */
function isAnswer({ status, failure, takeOver }: Reply): boolean {
  return status === 200 && failure === undefined && takeOver === undefined;
}

/** An `if` that is not over. */
interface Branch {
  /** What stands around it counts. */
  readonly outer: boolean;
  /** One of its parts has been taken. */
  taken: boolean;
  /** This part counts. */
  here: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes as characters, as bytes. */
function bytesOf(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Conditions by their text, which visitors do not choose; forgotten when there are very many. */
const conditions = new Map<string, Condition>();
const MOST_CONDITIONS = 1000;

/** The text of an answer with its elements carried out. */
export class Page {
  readonly #exchange: Exchange;
  readonly #context: ThreadContext;
  readonly #legacy: boolean;
  #errorMessage: string;
  #echoMessage: string;
  #timeFormat: string;
  #inBytes = false;
  readonly #branches: Branch[] = [];

  constructor(exchange: Exchange, context: ThreadContext) {
    this.#exchange = exchange;
    this.#context = context;
    const settings = { ...INCLUDE_DEFAULTS, ...exchange.dir.get(includeDir) };
    this.#errorMessage = settings.errorMessage;
    this.#echoMessage = settings.undefinedEcho;
    this.#timeFormat = settings.timeFormat;
    this.#legacy = settings.legacy === true;
    setVariables(exchange, context, this.#timeFormat);
  }

  get #counts(): boolean {
    return this.#branches.at(-1)?.here !== false;
  }

  #valueOf = (name: string): string | undefined => requestVariable(this.#exchange, name);

  async *filtered(pieces: Pieces): AsyncGenerator<Bytes> {
    const { start = "<!--#", end = "-->" } = this.#exchange.vhost.store.get(includeServer);
    for await (const item of itemsOf(pieces, start, end)) {
      if (item.kind === "pause") yield NOTHING_READY;
      else if (item.kind === "text") {
        if (this.#counts) yield bytesOf(item.text);
      } else if (item.kind === "broken") {
        if (this.#counts) yield encoder.encode(this.#errorMessage);
      } else yield* this.#carriedOut(item.element);
    }
  }

  async *#carriedOut(element: Element): AsyncGenerator<Bytes> {
    try {
      if (this.#branched(element)) return;
      if (this.#counts) yield* this.#written(element);
    } catch (error) {
      if (!(error instanceof ElementError) && !(error instanceof ArgumentError)) throw error;
      this.#context.log(
        "error",
        error instanceof ElementError ? error.ah : "AH01365",
        `${element.name} in ${this.#exchange.path}: ${error.message}`,
        this.#exchange,
      );
      yield encoder.encode(this.#errorMessage);
    }
  }

  /** True for an element of conditions, which has been seen to. */
  #branched({ name, attributes }: Element): boolean {
    const branch = this.#branches.at(-1);
    if (name === "if") {
      const outer = this.#counts;
      const made: Branch = { outer, taken: true, here: false };
      this.#branches.push(made);
      if (outer) made.taken = made.here = this.#holds(attributes);
      return true;
    }
    if (name !== "elif" && name !== "else" && name !== "endif") return false;
    if (branch === undefined) throw new ElementError("there is no if before it");
    if (name === "endif") this.#branches.pop();
    else if (branch.taken) branch.here = false;
    else branch.taken = branch.here = name === "else" || this.#holds(attributes);
    return true;
  }

  #holds(attributes: Element["attributes"]): boolean {
    const text = attributes.find(([name]) => name === "expr")?.[1];
    if (text === undefined) throw new ElementError("it has no expr");
    if (this.#legacy) return legacyCondition(this.#text(text), (word) => expanded(word, this.#valueOf));
    let condition = conditions.get(text);
    if (condition === undefined) {
      condition = parseCondition(this.#text(text));
      if (conditions.size >= MOST_CONDITIONS) conditions.clear();
      conditions.set(text, condition);
    }
    return evaluateCondition(condition, this.#context.subjectOf(this.#exchange));
  }

  /** What an attribute says, of which bytes are known. */
  #text(value: string): string {
    return decoder.decode(bytesOf(value));
  }

  #expanded(value: string): string {
    return expanded(this.#text(value), this.#valueOf);
  }

  async *#written({ name, attributes }: Element): AsyncGenerator<Bytes> {
    switch (name) {
      case "config":
        return this.#configure(attributes);
      case "echo":
        return yield encoder.encode(this.#echoed(attributes));
      case "set":
        return this.#set(attributes);
      case "include":
        return yield* this.#included(attributes);
      case "fsize":
      case "flastmod":
        return yield encoder.encode(await this.#fact(name, attributes));
      case "printenv":
        for (const [variable, value] of this.#exchange.environment ?? []) {
          yield encoder.encode(`${coded(variable, "entity")}=${coded(value, "entity")}\n`);
        }
        return;
      case "exec":
        return yield* this.#executed(attributes);
      default:
        throw new ElementError("there is no such element");
    }
  }

  #configure(attributes: Element["attributes"]): void {
    for (const [name, raw] of attributes) {
      const value = this.#expanded(raw);
      if (name === "errmsg") this.#errorMessage = value;
      else if (name === "echomsg") this.#echoMessage = value;
      else if (name === "sizefmt") this.#inBytes = value.toLowerCase() === "bytes";
      else if (name === "timefmt") {
        this.#timeFormat = value;
        const { environment, startTime, file } = this.#exchange;
        setTimes(environment!, startTime, file?.mtime, value);
      } else throw new ElementError(`config knows no ${name}`);
    }
  }

  #echoed(attributes: Element["attributes"]): string {
    let encoding = "entity";
    let text: string | undefined;
    for (const [name, raw] of attributes) {
      if (name === "encoding") encoding = raw.toLowerCase();
      else if (name === "var") {
        const value = this.#valueOf(this.#expanded(raw));
        text = (text ?? "") + (value === undefined ? this.#echoMessage : coded(value, encoding));
      } else throw new ElementError(`echo knows no ${name}`);
    }
    if (text === undefined) throw new ElementError("echo has no var");
    return text;
  }

  #set(attributes: Element["attributes"]): void {
    let variable: string | undefined;
    for (const [name, raw] of attributes) {
      if (name === "var") variable = this.#expanded(raw);
      else if (name === "value" && variable !== undefined) {
        this.#exchange.environment!.set(variable, this.#expanded(raw));
      } else throw new ElementError(`set wants var and value, not ${name}`);
    }
  }

  async *#included(attributes: Element["attributes"]): AsyncGenerator<Bytes> {
    for (const [name, raw] of attributes) {
      if (name === "onerror") continue;
      let part = await this.#part(name, this.#expanded(raw));
      const instead = attributes.find(([each]) => each === "onerror")?.[1];
      if (part === undefined && instead !== undefined) {
        part = await this.#part("virtual", this.#expanded(instead));
      }
      if (part === undefined) throw new ElementError(`${raw} cannot be included`);
      yield* piecesOf(part.reply.body);
    }
  }

  /** What `file`, below the directory of this one, or `virtual`, a URL of this server, leads to; undefined: nothing that may be had. */
  async #part(kind: string, value: string): Promise<Part | undefined> {
    if (kind !== "file" && kind !== "virtual") throw new ElementError(`it knows no ${kind}`);
    if (kind === "file" && (value.startsWith("/") || value.split("/").includes(".."))) return undefined;
    const encoded = kind === "file" ? value.split("/").map(encodeURIComponent).join("/") : value;
    const part = await this.#context.subrequest(this.#exchange, this.#resolved(encoded));
    if (part === undefined || isAnswer(part.reply)) return part;
    discardReply(part.reply);
    return undefined;
  }

  /** An encoded path, which may be relative to that of this page. */
  #resolved(target: string): string {
    if (target.startsWith("/")) return target;
    const { path } = this.#exchange;
    return path.slice(0, path.lastIndexOf("/") + 1).split("/").map(encodeURIComponent).join("/") + target;
  }

  async *#executed(attributes: Element["attributes"]): AsyncGenerator<Bytes> {
    if (attributes.length === 0) throw new ElementError("missing argument for exec element", "AH03195");
    if ((optionsOf(this.#exchange.dir) & Option.IncludesExec) === 0) {
      throw new ElementError("exec used but not allowed", "AH01228");
    }
    for (const [name, raw] of attributes) {
      if (name === "cmd") {
        const { commandOutput } = await import("./command.ts");
        // The shell finds variables in its environment: no value that a client chooses is read as a part of the command.
        yield* commandOutput(this.#exchange, this.#context, this.#text(raw));
      } else if (name === "cgi") yield* this.#program(this.#expanded(raw));
      else throw new ElementError(`unknown parameter "${name}" to tag exec`, "AH01231");
    }
  }

  /** What the CGI program at `target` answers. */
  async *#program(target: string): AsyncGenerator<Bytes> {
    const part = target.includes("?")
      ? undefined
      : await this.#context.subrequest(this.#exchange, this.#resolved(target), "cgi-script");
    const file = part?.exchange.file;
    const { status, fields, failure, body } = part?.reply ?? errorReply(404);
    if (failure === undefined && file?.isFile === true) return yield* piecesOf(body);
    if (part !== undefined) discardReply(part.reply);
    if (file?.isFile !== true || (status > 400 && status < 500)) {
      throw new ElementError(`invalid CGI ref "${target}"`, "AH01230");
    }
    const location = fieldOf(fields, "location");
    // As httpd has it: a program that fails leaves nothing in its place.
    if (location === undefined) return;
    const link = escapeHtml(location);
    yield encoder.encode(`<a href="${link}">${link}</a>`);
  }

  async #fact(name: string, attributes: Element["attributes"]): Promise<string> {
    const [[kind, raw] = ["", ""]] = attributes;
    const part = await this.#part(kind, this.#expanded(raw));
    if (part !== undefined) discardReply(part.reply);
    const file = part?.exchange.file;
    if (file === undefined) throw new ElementError(`${raw} is no file that may be looked at`);
    if (name === "flastmod") return strftime(this.#timeFormat, file.mtime);
    return this.#inBytes ? file.size.toLocaleString("en-US") : sizeText(file.size);
  }
}

/** A value as it stands in HTML, or in a URL. @throws ElementError for an encoding that is none */
function coded(value: string, encoding: string): string {
  switch (encoding) {
    case "none":
      return value;
    case "url":
      return Array.from(
        encoder.encode(value),
        (byte) =>
          /[A-Za-z0-9$\-_.+!*'(),:@&=/~]/.test(String.fromCharCode(byte))
            ? String.fromCharCode(byte)
            : `%${byte.toString(16).padStart(2, "0")}`,
      ).join("");
    case "base64":
      return encoder.encode(value).toBase64();
    case "entity":
      return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
        '"',
        "&quot;",
      );
    default:
      throw new ElementError(`there is no encoding ${encoding}`);
  }
}
