/**
 * What a module of a third party is written against: `LoadModule my_module ./my_module.ts` loads a file that exports one.
 *
 * ```ts
 * import { defineModule } from "@mpmd/mpmd/module";
 *
 * export default defineModule({
 *   name: "hello_module",
 *   hooks: () => ({
 *     handler: ({ handler }) =>
 *       handler !== "hello" ? undefined : {
 *         status: 200,
 *         fields: [],
 *         contentType: "text/plain",
 *         body: { kind: "text", text: "Hello!\n" },
 *       },
 *   }),
 * });
 * ```
 *
 * @module
 */

import type { ModuleDefinition } from "./server/third_party.ts";

export {
  ArgumentError,
  bytes,
  ConfigError,
  type Context,
  type Directive,
  type DirectiveRow,
  type DirKey,
  dirKey,
  type DirStore,
  flag,
  integer,
  oneOf,
  type SectionDirective,
  type ServerConfig,
  type ServerKey,
  serverKey,
  type ServerStore,
  type Target,
  timeInterval,
  type Where,
} from "./server/config/mod.ts";
export {
  escapeHtml,
  fieldOf,
  formatHttpDate,
  merged,
  withField,
  without,
} from "./server/http/content/mod.ts";
export { type Body, type BodyPart, type Fields, NO_BODY, type Reply } from "./server/http/engine/reply.ts";
export { errorReply } from "./server/request/error_reply.ts";
export type { Exchange, FileInfo, RequestBody } from "./server/request/exchange.ts";
export {
  type BodyFilter,
  filterBody,
  filterRequestBody,
  FilterType,
  type InputFilter,
  NOTHING_READY,
  type OutputFilter,
  type Pieces,
} from "./server/request/filters/mod.ts";
export { InternalRedirect, type ModuleHooks, type ThreadContext } from "./server/request/module.ts";
export { requestVariable } from "./server/request/request_variables.ts";
export type { ModuleDefinition } from "./server/third_party.ts";

/** A module, as LoadModule loads it: gives `module` back, whose members the compiler has looked at. */
export function defineModule(module: ModuleDefinition): ModuleDefinition {
  return module;
}
