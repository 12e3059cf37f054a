// Who sends back what was sent? mod_reflector: the handler `reflector`, to see what filters make of bodies.

import { type Directive, dirKey } from "../../server/config/mod.ts";
import { coreDir } from "../../server/core/config.ts";
import type { Fields, Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";

/** Names of fields of answers by those of requests, in lower case. */
const reflectorDir = dirKey<{ fields: ReadonlyMap<string, string> }>("reflector", {
  create: () => ({ fields: new Map() }),
  merge: (base, over) => ({ fields: new Map([...base.fields, ...over.fields]) }),
});

const directives: readonly Directive[] = [{
  name: "ReflectorHeader",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: [1, 2],
  syntax: "ReflectorHeader request-field [response-field]",
  help: "A field of requests that the handler reflector sends back, perhaps by another name",
  override: "Options",
  apply([from, to = from], target) {
    const values = target.dir.get(reflectorDir);
    values.fields = new Map([...values.fields, [from.toLowerCase(), to]]);
  },
}];

function handler(exchange: Exchange): Reply | undefined {
  if (exchange.handler !== "reflector") return undefined;
  const { head, body, dir } = exchange;
  if (exchange.method !== "POST") return errorReply(405, { fields: [["Allow", "POST,OPTIONS,TRACE"]] });
  const fields: Fields = [];
  for (const [from, to] of dir.get(reflectorDir).fields) {
    const value = head.get(from);
    if (value !== undefined) fields.push([to, value]);
  }
  const declared = head.field(Field.ContentLength);
  return {
    status: 200,
    fields,
    contentType: head.field(Field.ContentType),
    body: body === undefined ? { kind: "none" } : {
      kind: "stream",
      stream: body.stream(),
      length: declared === undefined ? undefined : Number(declared),
    },
  };
}

export const reflector: ServerModule = {
  name: "reflector_module",
  source: "mod_reflector.c",
  directives,
  hooks: () => ({
    readsBody: ({ dir, method }) => method === "POST" && dir.get(coreDir).handler === "reflector",
    handler,
  }),
};
