// Which modules does this server have? The list, above server/ and the modules: entry/ hands it to the server, which names none of them.

import { accessCompat } from "./access_compat/mod.ts";
import { actions } from "./actions/mod.ts";
import { alias } from "./alias/mod.ts";
import { allowMethods } from "./allowmethods/mod.ts";
import { app } from "./app/mod.ts";
import { asis } from "./asis/mod.ts";
import { authBasic } from "./auth_basic/mod.ts";
import { authDigest } from "./auth_digest/mod.ts";
import { anonProvider, authnAnon } from "./authn_anon/mod.ts";
import { authnCore } from "./authn_core/mod.ts";
import { authnFile, fileProvider } from "./authn_file/mod.ts";
import { authzCore } from "./authz_core/mod.ts";
import { authzHost, hostProviders } from "./authz_host/mod.ts";
import { buffer } from "./buffer/mod.ts";
import { brotli } from "./brotli/mod.ts";
import { deflate } from "./deflate/mod.ts";
import { filter } from "./filter/mod.ts";
import { zstd } from "./zstd/mod.ts";
import { authzGroupfile, groupProviders } from "./authz_groupfile/mod.ts";
import { authzOwner, ownerProviders } from "./authz_owner/mod.ts";
import { authzUser, userProviders } from "./authz_user/mod.ts";
import { core } from "../server/core/mod.ts";
import { env } from "./env/mod.ts";
import { extFilter } from "./ext_filter/mod.ts";
import { expires } from "./expires/mod.ts";
import { http2 } from "./http2/mod.ts";
import { headers } from "./headers/mod.ts";
import { cgi, cgid } from "./cgi/mod.ts";
import { speling } from "./speling/mod.ts";
import { setEnvIf } from "./setenvif/mod.ts";
import { autoindex } from "./autoindex/mod.ts";
import { negotiation } from "./negotiation/mod.ts";
import { dir } from "./dir/mod.ts";
import { include } from "./include/mod.ts";
import { info } from "./info/mod.ts";
import { logDebug } from "./log_debug/mod.ts";
import { logConfig } from "./log_config/mod.ts";
import { md, mdCertificates } from "./md/mod.ts";
import { metrics } from "./metrics/mod.ts";
import { mime } from "./mime/mod.ts";
import { precompressed } from "./precompressed/mod.ts";
import { rateLimit } from "./ratelimit/mod.ts";
import { reflector } from "./reflector/mod.ts";
import { proxy } from "./proxy/mod.ts";
import { balancerModules } from "./proxy_balancer/mod.ts";
import { proxyHcheck } from "./proxy_hcheck/mod.ts";
import { fcgiScheme, proxyFcgi } from "./proxy_fcgi/mod.ts";
import { proxyScgi, scgiScheme } from "./proxy_scgi/mod.ts";
import { proxyUwsgi, uwsgiScheme } from "./proxy_uwsgi/mod.ts";
import { proxyWstunnel } from "./proxy_wstunnel/mod.ts";
import { httpScheme, proxyHttp } from "./proxy_http/mod.ts";
import { remoteip } from "./remoteip/mod.ts";
import { rewrite } from "./rewrite/mod.ts";
import { ssl, sslProviders } from "./ssl/mod.ts";
import { status } from "./status/mod.ts";
import { substitute } from "./substitute/mod.ts";
import { usertrack } from "./usertrack/mod.ts";
import { userdir } from "./userdir/mod.ts";
import { vhostAlias } from "./vhost_alias/mod.ts";
import { unixd } from "./unixd/mod.ts";
import type { ServerModule } from "../server/request/module.ts";

/** All modules, in the order in which their hooks are asked. The core comes last: its handler takes what nobody else wants. */
export const MODULES: readonly ServerModule[] = [
  logDebug,
  usertrack,
  remoteip,
  status,
  info,
  metrics,
  md,
  app,
  rewrite,
  proxy({ http: httpScheme, ws: httpScheme, fcgi: fcgiScheme, scgi: scgiScheme, uwsgi: uwsgiScheme }),
  proxyHttp,
  proxyWstunnel,
  proxyFcgi,
  proxyScgi,
  proxyUwsgi,
  ...balancerModules,
  cgi,
  cgid,
  proxyHcheck,
  asis,
  alias,
  userdir,
  vhostAlias,
  dir,
  autoindex,
  negotiation,
  mime,
  precompressed,
  setEnvIf,
  env,
  expires,
  include,
  extFilter,
  filter,
  brotli,
  zstd,
  deflate,
  substitute,
  rateLimit,
  buffer,
  reflector,
  headers,
  logConfig,
  ssl([mdCertificates]),
  http2,
  allowMethods,
  accessCompat,
  authzHost,
  authBasic([fileProvider, anonProvider]),
  authDigest([fileProvider]),
  authnFile,
  authnAnon,
  authnCore,
  authzUser,
  authzGroupfile,
  authzOwner,
  authzCore([...hostProviders, ...sslProviders, ...userProviders, ...groupProviders, ...ownerProviders]),
  speling,
  actions,
  unixd,
  core,
];
