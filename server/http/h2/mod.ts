// What is public of HTTP/2? Who serves a connection of it, and how one begins.

export { Http2Connection } from "./connection.ts";
export { beginsAsHttp2 } from "./frame.ts";
export type { Http2Settings } from "./settings.ts";
