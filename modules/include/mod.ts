// How does text get parts of other files, values and conditions into it? mod_include: the filter INCLUDES, for server-side includes.

import { without } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { Option, optionsOf } from "../../server/core/place_options.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { filterBody, FilterType, type OutputFilter } from "../../server/request/filters/mod.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { Page } from "./page.ts";
import { includeDir, includeRows } from "./settings.ts";

const OWNER_EXECUTES = 0o100;
const GROUP_EXECUTES = 0o010;

/** The mode of the file that is sent, where XBitHack asks for it; 0: it does not, or there is none. */
function modeOf({ dir, file, filename, contentType }: Exchange): number {
  const { xBitHack = "off" } = dir.get(includeDir);
  if (xBitHack === "off" || file?.isFile !== true || contentType?.startsWith("text/html") !== true) return 0;
  try {
    return Deno.statSync(filename).mode ?? 0;
  } catch (error) {
    // Its handler will tell what is wrong.
    if (error instanceof Error) return 0;
    throw error;
  }
}

/** The fields of an answer that is not its file's content any more. */
function ownFields(exchange: Exchange, { fields }: Reply): Reply["fields"] {
  const { etag, lastModified, xBitHack } = exchange.dir.get(includeDir);
  const withoutTag = etag === true ? fields : without(fields, "etag");
  const dated = lastModified === true || (xBitHack === "full" && (modeOf(exchange) & GROUP_EXECUTES) !== 0);
  return dated ? withoutTag : without(withoutTag, "last-modified");
}

function hooks(): ModuleHooks {
  let context: ThreadContext;
  const includes: OutputFilter = {
    name: "INCLUDES",
    type: FilterType.Resource,
    needsWhole: ({ dir }) => (optionsOf(dir) & Option.Includes) !== 0,
    filter(exchange, reply) {
      if ((optionsOf(exchange.dir) & Option.Includes) === 0) {
        const message =
          "mod_include: Options +Includes (or IncludesNoExec) wasn't set, INCLUDES filter removed";
        context.log("warn", "AH01374", message, exchange);
        return reply;
      }
      const fields = ownFields(exchange, reply);
      return filterBody({ ...reply, fields }, (pieces) => new Page(exchange, context).filtered(pieces));
    },
  };
  return {
    threadInit(given) {
      context = given;
    },
    outputFilters: [includes],
    insertFilter: (exchange) => (modeOf(exchange) & OWNER_EXECUTES) === 0 ? undefined : [includes],
  };
}

export const include: ServerModule = {
  name: "include_module",
  source: "mod_include.c",
  directives: includeRows,
  hooks,
};
