// What is a filter? Something that changes the content of responses, or of requests, on its way; modules bring filters along under
// httpd's names, the configuration says where they are at work.

import type { Reply } from "../../http/engine/reply.ts";
import type { Exchange, RequestBody } from "../exchange.ts";

/**
 * Where in a chain a filter stands (httpd's ap_filter_type): those with a lower number see a response first. Between two of a kind the
 * order is that of the configuration.
 */
export const FilterType = {
  /** Makes the content: INCLUDES, SUBSTITUTE. */
  Resource: 10,
  /** Changes the content as a whole, as a content coding does: DEFLATE, BUFFER. */
  ContentSet: 20,
  Protocol: 30,
  Transcode: 40,
  /** About the connection: RATE_LIMIT. */
  Connection: 50,
  Network: 60,
} as const;

/** A filter for the content of responses. */
export interface OutputFilter {
  /** As directives name it, whatever the case. */
  readonly name: string;
  /** One of FilterType, or a number between two. */
  readonly type: number;
  /**
   * Takes part in a response: gives the reply with other fields, or with a body that passes through it (filterBody()); or the same
   * reply. Asked once per response, before its head is written, HEAD included: what has a body then is not sent.
   */
  filter(exchange: Exchange, reply: Reply): Reply | Promise<Reply>;
  /** True where the filter has to see all of the content: the handler of files sends no part of it then, and Range is passed over. */
  readonly needsWhole?: (exchange: Exchange) => boolean;
  /**
   * True when what it makes of a file depends on nothing but the file, and on the field that it names by Exchange.selectedBy: such an
   * answer may be kept for others. Without it none is.
   */
  readonly keepable?: boolean;
}

/** A filter for the content of requests. */
export interface InputFilter {
  readonly name: string;
  readonly type: number;
  /** The body as the handler reads it; `exchange.head` may be replaced, for the fields are the handler's to see too. */
  filter(exchange: Exchange, body: RequestBody): RequestBody;
}
