// What is known of one request and its response? An Exchange is what httpd's modules know as request_rec: the engine makes
// it, the phases fill it, the logs read it.

import type { Connection, Endpoint } from "../../mpm/mod.ts";
import type { DirStore, VirtualServer } from "../config/mod.ts";

import type { InterimSink } from "../http/engine/interim.ts";
import type { Fields, Reply } from "../http/engine/reply.ts";
import type { RequestHead } from "../http/parser/mod.ts";
import type { ExchangeSubject } from "./expression_subject.ts";
import type { OutputFilter } from "./filters/mod.ts";
import type { ModuleHooks } from "./module.ts";
import type { RedirectedRequest } from "./redirect.ts";

/** A request body for handlers that want one. */
export interface RequestBody {
  /** The body's bytes as they arrive; may be taken once. The client waits while they are not read. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** The whole body, once it has arrived; instead of stream(). Rejected when it does not. */
  whole(): Promise<Uint8Array<ArrayBuffer>>;
}

/** What stat() said about the file that a request means. */
export interface FileInfo {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; microseconds behind the point where the system tells them. */
  readonly mtime: number;
  readonly inode: number;
}

/** One request with its response. */
export class Exchange {
  /** Decoded and normalised path of the target; "*" for OPTIONS *. */
  path = "";
  /** Somebody has looked at `query`. */
  queryRead = false;
  #query = "";
  vhost!: VirtualServer;
  dir!: DirStore;
  /** The file that the path means, once translated; its state; and what of the path is left behind it. */
  filename = "";
  file: FileInfo | undefined = undefined;
  pathInfo = "";
  /** What takes the place of DocumentRoot for this request; undefined: nothing. */
  documentRoot: string | undefined = undefined;
  /** The Alias that has led to it: what of the path, and where that is; undefined: DocumentRoot. */
  alias: { readonly prefix: string; readonly root: string } | undefined = undefined;
  /** Who has sent the request, where a module knows that it is not the client of the connection (RemoteIPHeader); port 0: not known. */
  forwardedFor: Endpoint | undefined = undefined;
  /** Set by modules (SetHandler, AddHandler): which handler answers. */
  handler: string | undefined = undefined;
  contentType: string | undefined = undefined;
  /** Language tags of the content, joined by ", "; and its content codings. */
  contentLanguage: string | undefined = undefined;
  contentEncoding: string | undefined = undefined;
  body: RequestBody | undefined = undefined;
  /** The request that this one is a part of (subrequest()); undefined: a client has made it. */
  main: Exchange | undefined = undefined;
  /** The handler that answers whatever the configuration says: whoever has asked for this part has named it. */
  imposedHandler: string | undefined = undefined;
  /** Fields that came behind the body, names as they were sent; undefined: none, or not yet. And those behind the body of the response. */
  trailers: Fields | undefined = undefined;
  sentTrailers: Fields | undefined = undefined;
  /** Takes interim responses to this request; undefined: nobody does. */
  interim: InterimSink | undefined = undefined;
  /** What is answered when the handler gives up because of its body; undefined: as for any other failure. */
  badBody: Reply | undefined = undefined;
  /** Filters that the name of the file asks for (AddOutputFilter, AddInputFilter), in their order. */
  namedFilters: { readonly output?: readonly string[]; readonly input?: readonly string[] } | undefined =
    undefined;
  /** What the answer will pass through, known before its handler is asked; undefined: nothing. */
  outputFilters: readonly OutputFilter[] | undefined = undefined;
  /** Who has authenticated for this place, and how ("Basic"); undefined: nobody. */
  user: string | undefined = undefined;
  authType: string | undefined = undefined;
  /** The values of the place that `user` has authenticated for. */
  userPlace: DirStore | undefined = undefined;
  /** Whom the client said to be, for the logs: it may not have been believed. */
  claimedUser: string | undefined = undefined;
  /** Variables of the request, and notes of modules to each other; undefined: there are none. */
  environment: Map<string, string> | undefined = undefined;
  /** Notes for logs and expressions: those that the answer came with, and those about this request alone. */
  notes: Map<string, string> | undefined = undefined;
  ownNotes: Map<string, string> | undefined = undefined;
  /** UNIQUE_ID, once somebody has asked for it. Not among the variables: requests for what is kept in memory share those. */
  uniqueId: string | undefined = undefined;
  /** The request as expressions see it; there from the access checks on, before them ThreadContext.subjectOf() makes it. */
  subject!: ExchangeSubject;
  /**
   * What the answer depends on beyond target and file: what .htaccess files say at the moment, or this very request. A hook says so
   * too that changes something of the request for its handler: others for the same path may be answered without asking it.
   */
  dependsOn: "file" | "overrides" | "request" = "file";
  /**
   * A field of the request (an id of Field) by which one of several answers was selected that are the same for everybody who asks for
   * the same; undefined: there is one answer. `variant` is the name of the selected one.
   */
  selectedBy: number | undefined = undefined;
  variant = "";
  /** Fields that conditions have looked at, in lower case: caches have to know of them. */
  varyOn: Set<string> | undefined = undefined;
  reply: Reply | undefined = undefined;
  /** Where the request was before it was redirected within the server; undefined: the client asked for what `path` says. */
  redirected: RedirectedRequest | undefined = undefined;
  /** The answer, because it must not be asked for on this connection. */
  misplaced: Reply | undefined = undefined;
  /** The reply of a phase that failed, while an ErrorDocument is made for it. */
  failed: Reply | undefined = undefined;
  /** What the handler waits for comes by a descriptor in the set of its thread: it does not need the event loop. */
  awaitsDescriptor = false;
  /** Called when the client is gone: for handlers that have something to give up. */
  onAbort: (() => void) | undefined = undefined;
  /** Whose handler answers, where that was known without the phases. */
  answerer: ModuleHooks | undefined = undefined;
  /** An answer that is on its way already when the handler's turn would come. */
  answer: Promise<Reply> | undefined = undefined;
  /** Status of the response before any internal redirect or error document. */
  status = 0;
  /** Its number in the logs, once the error log has a line about it. */
  logId: string | undefined = undefined;
  /** Body bytes that were sent. */
  bytesSent = 0;
  /** The whole request as on the wire: head, body, framing; known when it is over. */
  bytesReceived = 0;
  /** The whole response as on the wire: interim responses, head, body, framing. */
  bytesWritten = 0;
  /** The first bytes of the response are on their way: a failure can only break the connection off. */
  committed = false;
  /** 'X' broken off, '+' stays open, '-' is closed after the response. */
  connectionState: "X" | "+" | "-" = "+";
  /** A whole message may be kept for further requests for the same target: nothing depended on who asked. */
  cacheable = false;
  /** The scoreboard shows it already. */
  shown = false;
  /** Request and response are over, and the log has them. `transport` may belong to another client. */
  over = false;
  /** `head` has bytes of its own. */
  #detached = false;
  /** What has to stay true for the answer to be good for others, beside the file: asked with the time (performance.now()). */
  conditions: ((now: number) => boolean)[] | undefined = undefined;
  /** What .htaccess files its place has come from, by directory: whether each still says the same. */
  overrides: Map<string, () => boolean> | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #completed: PromiseWithResolvers<void> | undefined = undefined;

  constructor(
    /** Refers to the receive buffer until it is detached. */
    public head: RequestHead,
    /** The connection that it came on. */
    readonly transport: Connection,
    /** Milliseconds since 1970. */
    readonly startTime: number,
    /** performance.now() at the start. */
    readonly startClock: number,
    /** Requests on this connection before this one. */
    readonly keepAlives: number,
  ) {}

  /** The request that a client has made: this one, or that of which it is a part. */
  get outermost(): Exchange {
    return this.main?.outermost ?? this;
  }

  /** A note, for logs and expressions. */
  note(name: string): string | undefined {
    return this.ownNotes?.get(name) ?? this.notes?.get(name);
  }

  /** Who has sent the request: for access control, logs and applications. */
  get client(): Endpoint {
    return this.forwardedFor ?? this.transport.client;
  }

  /** How many requests this one is within. */
  get depth(): number {
    return this.main === undefined ? 0 : this.main.depth + 1;
  }

  /** What follows the question mark, without it. */
  get query(): string {
    this.queryRead = true;
    return this.#query;
  }

  set query(query: string) {
    this.#query = query;
  }

  /** `head` has bytes of its own, and may be read when the request is over. */
  get detached(): boolean {
    return this.#detached;
  }

  /** `head` is to outlive the receive buffer. */
  detach(): void {
    if (this.#detached) return;
    this.#detached = true;
    this.head = this.head.detach();
  }

  /** The answer is good for others only while `condition` is true. */
  holdsWhile(condition: (now: number) => boolean): void {
    (this.conditions ??= []).push(condition);
  }

  /** The method that the phases answer: the client's, or GET when they make an error document for another. */
  get method(): string {
    const { method } = this.head;
    return this.failed === undefined || method === "HEAD" ? method : "GET";
  }

  /** Aborted when the client goes away before it has its answer. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Settled when the response has been handed to the kernel, or (rejected) broken off. */
  get completed(): Promise<void> {
    this.#completed ??= Promise.withResolvers<void>();
    return this.#completed.promise;
  }

  /** The response is out, or broken off. */
  complete(): void {
    if (this.#completed === undefined) return;
    if (this.connectionState !== "X") return this.#completed.resolve();
    // Whoever asked may not be waiting any more: a rejection that nobody sees is no error of the thread's.
    this.#completed.promise.catch(() => {});
    this.#completed.reject(new DOMException("The response was broken off.", "AbortError"));
  }

  /** The client is gone. */
  abort(): void {
    this.onAbort?.();
    this.#abort?.abort(new DOMException("The client has closed the connection.", "AbortError"));
  }
}
