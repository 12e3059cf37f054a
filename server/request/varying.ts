// What does a response tell caches of what it depends on? One Vary field, whoever has named the fields in it.

import { merged } from "../http/content/mod.ts";
import type { Reply } from "../http/engine/reply.ts";
import type { Exchange } from "./exchange.ts";

/** The reply with the fields in Vary that conditions have looked at. */
export function varying({ varyOn }: Exchange, reply: Reply): Reply {
  if (varyOn === undefined) return reply;
  // In front: a filter that was chosen by them may have said more.
  return { ...reply, fields: [["Vary", [...varyOn].join(", ")], ...reply.fields] };
}

/** The reply with one Vary field that names each field once, whoever has named it. */
export function varyingOnce(reply: Reply): Reply {
  const said = reply.fields.flatMap(([name, value]) => name.toLowerCase() === "vary" ? value.split(",") : []);
  if (said.length < 2) return reply;
  const others = reply.fields.filter(([name]) => name.toLowerCase() !== "vary");
  return { ...reply, fields: said.reduce((fields, name) => merged(fields, "Vary", name.trim()), others) };
}
