// How is a FastCGI program asked, php-fpm above all? mod_proxy_fcgi: fcgi:// backends, over TCP and Unix-domain sockets.

import { type Directive, oneOf } from "../../server/config/mod.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { cgiVariables } from "../cgi/variables.ts";
import type { Scheme } from "../proxy/scheme.ts";
import { FcgiProtocol } from "./protocol.ts";

const directives: readonly Directive[] = [{
  name: "ProxyFCGIBackendType",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: 1,
  syntax: "ProxyFCGIBackendType FPM|GENERIC",
  help: "Accepted: SCRIPT_FILENAME is the name of the file, which both kinds understand",
  default: "FPM",
  override: "FileInfo",
  apply([word]) {
    oneOf(word, ["FPM", "GENERIC"]);
  },
}];

/** The scheme for one thread. */
export function fcgiScheme(thread: ThreadContext): Scheme {
  return {
    names: ["fcgi"],
    title: "FCGI",
    reuses: false,
    lengthless: "prefetched",
    protocol(call, worker) {
      const { exchange } = call;
      const variables = cgiVariables(call, thread);
      // The program is told a length instead.
      if (call.bodyLength !== undefined) variables.delete("HTTP_TRANSFER_ENCODING");
      return new FcgiProtocol({
        method: exchange.method,
        variables,
        keepAlive: worker.parts.reuse,
        onError: (text) => thread.log("error", "AH01071", `Got error '${text}'`, exchange),
      });
    },
  };
}

export const proxyFcgi: ServerModule = {
  name: "proxy_fcgi_module",
  source: "mod_proxy_fcgi.c",
  directives,
};
