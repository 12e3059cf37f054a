// How is a FastCGI program asked, php-fpm above all? mod_proxy_fcgi: fcgi:// backends, over TCP and Unix-domain sockets.

import { type Directive, dirKey, flag, oneOf } from "../../server/config/mod.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { cgiVariables } from "../proxy/cgi_variables.ts";
import type { Scheme } from "../proxy/scheme.ts";
import { FcgiProtocol } from "./protocol.ts";

/** CGIPassAuth. */
const passesAuth = dirKey<{ on: boolean | undefined }>("cgi_pass_auth", {
  create: () => ({ on: undefined }),
  merge: (base, over) => ({ on: over.on ?? base.on }),
});

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
}, {
  name: "CGIPassAuth",
  contexts: ["directory", ".htaccess"],
  args: 1,
  syntax: "CGIPassAuth On|Off",
  help: "Whether programs get the Authorization field, as HTTP_AUTHORIZATION",
  default: "Off",
  override: "AuthConfig",
  apply([word], to) {
    to.dir.get(passesAuth).on = flag(word);
  },
}];

/** The scheme for one thread. */
export function fcgiScheme(thread: ThreadContext): Scheme {
  return {
    names: ["fcgi"],
    title: "FCGI",
    reuses: false,
    needsLength: true,
    protocol(call, worker) {
      const { exchange } = call;
      return new FcgiProtocol({
        method: exchange.method,
        variables: cgiVariables(call, thread, exchange.dir.get(passesAuth).on === true),
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
