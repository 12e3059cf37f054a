// What has the client said about itself, and what do we say? SETTINGS (RFC 9113, 6.5).

import type { OutputBuffer } from "../engine/output.ts";
import { ConnectionError, ErrorCode } from "./error.ts";
import {
  DEFAULT_WINDOW,
  MAX_FRAME,
  MAX_WINDOW,
  Setting,
  u32,
  writeSettings,
  writeWindowUpdate,
} from "./frame.ts";

/** The directives that a connection of HTTP/2 obeys (mod_http2). */
export interface Http2Settings {
  /** H2MaxSessionStreams. */
  readonly maxStreams: number;
  /** H2WindowSize: bytes of a request body that are on their way, or not taken by a handler. */
  readonly windowSize: number;
  /** H2StreamMaxMemSize: bytes of a response that wait in the server, per stream. */
  readonly streamMemory: number;
  /** H2MaxDataFrameLen; 0: as long as the client takes them. */
  readonly maxDataFrame: number;
  /** H2Padding: frames are longer by a random number of bytes below 2 ** this; 0: they are not. */
  readonly padding: number;
  /** H2WebSockets: streams may become WebSockets (RFC 8441). */
  readonly webSockets: boolean;
}

/** SETTINGS_HEADER_TABLE_SIZE and SETTINGS_MAX_HEADER_LIST_SIZE that we announce, in bytes. */
export const TABLE_SIZE = 4096;
export const MAX_HEADER_LIST = 65_536;
/** What a client may send over all streams together; of each stream H2WindowSize. */
export const CONNECTION_WINDOW = 1 << 20;

/** What we say first. */
export function writeOurSettings(
  output: OutputBuffer,
  { maxStreams, windowSize, webSockets }: Http2Settings,
): void {
  writeSettings(output, [
    [Setting.MaxConcurrentStreams, maxStreams],
    [Setting.InitialWindowSize, windowSize],
    [Setting.MaxHeaderListSize, MAX_HEADER_LIST],
    [Setting.NoRfc7540Priorities, 1],
    ...webSockets ? [[Setting.EnableConnectProtocol, 1] as const] : [],
  ]);
  writeWindowUpdate(output, 0, CONNECTION_WINDOW - DEFAULT_WINDOW);
}

/** The client's settings. */
export class PeerSettings {
  initialWindow = DEFAULT_WINDOW;
  maxFrame = MAX_FRAME;
  /** Its table is smaller than ours would be: the next header block has to say that it uses none (RFC 7541, 4.2). */
  tableShrunk = false;

  /** Takes the settings in the bytes [start, end) of a payload. @throws ConnectionError */
  take(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at + 6 <= end; at += 6) {
      this.#set(bytes[at] << 8 | bytes[at + 1], u32(bytes, at + 2));
    }
  }

  #set(id: number, value: number): void {
    if (id === Setting.HeaderTableSize && value < TABLE_SIZE) this.tableShrunk = true;
    if ((id === Setting.EnablePush || id === Setting.NoRfc7540Priorities) && value > 1) {
      throw new ConnectionError(ErrorCode.ProtocolError, "a setting is neither on nor off");
    }
    if (id === Setting.InitialWindowSize) {
      if (value > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FlowControlError, "the initial window is too large");
      }
      this.initialWindow = value;
    }
    if (id === Setting.MaxFrameSize) {
      if (value < MAX_FRAME || value > 0xffffff) {
        throw new ConnectionError(ErrorCode.ProtocolError, "a frame size that nobody may have");
      }
      this.maxFrame = value;
    }
  }
}
