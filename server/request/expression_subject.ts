// What do expressions see of an Exchange? The variables and functions of httpd's expression language, for one request.

import { environmentVariable } from "../../platform/environment.ts";
import { canonicalAddress } from "../config/mod.ts";
import type {
  ExpressionFiles,
  ExpressionSubject,
  OwnVariable,
  VariableName,
} from "../config/expression/mod.ts";
import { serverAdmin } from "./error_document.ts";
import type { Exchange } from "./exchange.ts";
import { connectionId } from "./log_subject.ts";
import { selfName, selfPort, selfScheme } from "./self_name.ts";
import { requestVariable } from "./request_variables.ts";

/** A file that an expression may read, in bytes. */
const LONGEST_FILE = 10 * 1024 * 1024;
/** MODULE_MAGIC_NUMBER_MAJOR of httpd 2.4. */
const API_VERSION = "20120211";

/** What holds for all requests of a thread. */
export interface SubjectFacts {
  readonly serverSoftware: string;
  documentRoot(exchange: Exchange): string | undefined;
  /** See ExpressionSubject. */
  isReachable(exchange: Exchange, kind: "url" | "file", target: string): boolean;
}

/** Runs `look`; what the system does not let us see is not there. */
function seen<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    // Names that no file can have are a TypeError.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

const files: ExpressionFiles = {
  stat: (path) =>
    seen(() => {
      const { isFile, isDirectory, size, mtime, mode } = Deno.statSync(path);
      return { isFile, isDirectory, size, mtime: mtime?.getTime() ?? 0, mode: mode ?? 0 };
    }),
  isLink: (path) => seen(() => Deno.lstatSync(path).isSymlink) === true,
  read: (path) =>
    seen(() => {
      const { isFile, size } = Deno.statSync(path);
      return isFile && size <= LONGEST_FILE ? Deno.readTextFileSync(path) : undefined;
    }),
};

const two = (number: number): string => String(number).padStart(2, "0");

/** One request, for expressions. */
export class ExchangeSubject implements ExpressionSubject {
  readonly #exchange: Exchange;
  readonly #facts: SubjectFacts;
  readonly files: ExpressionFiles = files;

  constructor(exchange: Exchange, facts: SubjectFacts) {
    this.#exchange = exchange;
    this.#facts = facts;
  }

  /** A request is stronger than .htaccess files: its answer is not kept at all. */
  dependsOn(what: "request" | "overrides"): void {
    if (this.#exchange.dependsOn !== "request") this.#exchange.dependsOn = what;
  }

  sawOverrides(directory: string, unchanged: () => boolean): void {
    (this.#exchange.overrides ??= new Map()).set(directory, unchanged);
  }

  variable(name: Exclude<VariableName, OwnVariable>): string | undefined {
    const { head, transport } = this.#exchange;
    switch (name) {
      case "REQUEST_METHOD":
        return this.#exchange.method;
      case "REQUEST_SCHEME":
        return selfScheme(this.#exchange);
      case "REQUEST_URI":
      case "DOCUMENT_URI":
        return this.#exchange.path;
      case "REQUEST_FILENAME":
      case "SCRIPT_FILENAME":
        return this.#exchange.filename;
      case "PATH_INFO":
        return this.#exchange.pathInfo;
      case "QUERY_STRING":
        return this.#exchange.query;
      case "THE_REQUEST":
        return head.requestLine();
      case "REQUEST_STATUS":
        return this.#status();
      case "REMOTE_ADDR":
      case "REMOTE_HOST":
        return this.#exchange.client.address;
      case "CONN_REMOTE_ADDR":
        return transport.peer.address;
      case "REMOTE_PORT":
        return String(transport.peer.port);
      case "SERVER_NAME":
        return selfName(this.#exchange);
      case "SERVER_PORT":
        return String(selfPort(this.#exchange));
      case "SERVER_PROTOCOL":
        return `HTTP/${head.major}.${head.minor}`;
      case "SERVER_PROTOCOL_VERSION":
        return String(head.major * 1000 + head.minor);
      case "SERVER_PROTOCOL_VERSION_MAJOR":
        return String(head.major);
      case "SERVER_PROTOCOL_VERSION_MINOR":
        return String(head.minor);
      case "SERVER_SOFTWARE":
        return this.#facts.serverSoftware;
      case "CONTEXT_DOCUMENT_ROOT":
        return this.#exchange.alias?.root ?? this.#facts.documentRoot(this.#exchange);
      case "DOCUMENT_ROOT":
        return this.#facts.documentRoot(this.#exchange);
      case "CONTENT_TYPE":
        // Of what is about to be sent, where that is known: an error page has a type too.
        return this.#exchange.reply?.contentType ?? this.#exchange.contentType;
      case "HANDLER":
        return this.#exchange.handler;
      case "SERVER_ADMIN":
        return this.#exchange.vhost.store.get(serverAdmin).address;
      case "HTTPS":
        return selfScheme(this.#exchange) === "https" ? "on" : "off";
      case "HTTP2":
        return "off";
      case "IPV6":
        return canonicalAddress(transport.peer.address)?.includes(":") === true ? "on" : "off";
      case "IS_SUBREQ":
        return this.#exchange.main === undefined ? "false" : "true";
      case "LAST_MODIFIED":
        return this.#lastModified();
      case "REQUEST_LOG_ID":
        return this.#exchange.logId;
      case "CONN_LOG_ID":
        return connectionId(this.#exchange);
      case "API_VERSION":
        return API_VERSION;
      case "AUTH_TYPE":
        return this.#exchange.authType;
      case "REMOTE_USER":
        return this.#exchange.user;
      case "CONTEXT_PREFIX":
        return this.#exchange.alias?.prefix;
      case "REMOTE_IDENT":
      case "SCRIPT_GROUP":
      case "SCRIPT_USER":
        return undefined;
    }
  }

  /** Of the response, once there is one: its head may be out already. */
  #status(): string | undefined {
    const { reply, status } = this.#exchange;
    return reply !== undefined ? String(reply.status) : status !== 0 ? String(status) : undefined;
  }

  /** YYYYMMDDhhmmss, local time. */
  #lastModified(): string | undefined {
    const { file } = this.#exchange;
    if (file === undefined) return undefined;
    const date = new Date(file.mtime);
    return [
      date.getFullYear(),
      date.getMonth() + 1,
      date.getDate(),
      date.getHours(),
      date.getMinutes(),
      date.getSeconds(),
    ].map(two).join("");
  }

  requestField(name: string, varies: boolean): string | undefined {
    if (varies) (this.#exchange.varyOn ??= new Set()).add(name);
    return this.#exchange.head.get(name);
  }

  responseField(name: string): string | undefined {
    return this.#exchange.reply?.fields.find(([known]) => known.toLowerCase() === name)?.[1];
  }

  environment(name: string): string | undefined {
    return requestVariable(this.#exchange, name);
  }

  note(name: string): string | undefined {
    return this.#exchange.note(name);
  }

  osEnvironment(name: string): string | undefined {
    return environmentVariable(name);
  }

  now(): number {
    return this.#exchange.startTime;
  }

  isReachable(kind: "url" | "file", target: string): boolean {
    return this.#facts.isReachable(this.#exchange, kind, target);
  }
}
