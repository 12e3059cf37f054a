// Which modules does this server have? The list; everything else takes them from here.

import { accessCompat } from "../modules/access_compat/mod.ts";
import { alias } from "../modules/alias/mod.ts";
import { app } from "../modules/app/mod.ts";
import { authzCore } from "../modules/authz_core/mod.ts";
import { authzHost, hostProviders } from "../modules/authz_host/mod.ts";
import { core } from "./core/mod.ts";
import { env } from "../modules/env/mod.ts";
import { expires } from "../modules/expires/mod.ts";
import { headers } from "../modules/headers/mod.ts";
import { setEnvIf } from "../modules/setenvif/mod.ts";
import { autoindex } from "../modules/autoindex/mod.ts";
import { negotiation } from "../modules/negotiation/mod.ts";
import { dir } from "../modules/dir/mod.ts";
import { logConfig } from "../modules/log_config/mod.ts";
import { metrics } from "../modules/metrics/mod.ts";
import { mime } from "../modules/mime/mod.ts";
import { rewrite } from "../modules/rewrite/mod.ts";
import { ssl, sslProviders } from "../modules/ssl/mod.ts";
import { status } from "../modules/status/mod.ts";
import { unixd } from "../modules/unixd/mod.ts";
import type { ServerModule } from "./request/module.ts";

/** All modules, in the order in which their hooks are asked. The core comes last: its handler takes what nobody else wants. */
export const MODULES: readonly ServerModule[] = [
  status,
  metrics,
  app,
  rewrite,
  alias,
  dir,
  autoindex,
  negotiation,
  mime,
  setEnvIf,
  env,
  expires,
  headers,
  logConfig,
  ssl,
  accessCompat,
  authzHost,
  authzCore([...hostProviders, ...sslProviders]),
  unixd,
  core,
];
