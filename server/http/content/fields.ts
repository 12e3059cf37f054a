// How are single fields of a reply read and changed? By name, whatever its case, leaving the others in their order.

import type { Fields } from "../engine/reply.ts";

/** The value of the first field with this name (in lower case). */
export function fieldOf(fields: Fields, name: string): string | undefined {
  return fields.find(([known]) => known.toLowerCase() === name)?.[1];
}

/** All fields but those with this name (in lower case). */
export function without(fields: Fields, name: string): Fields {
  return fields.filter(([known]) => known.toLowerCase() !== name);
}

/** `fields` with one of this name that has this value, in the place of the first that there was. */
export function withField(fields: Fields, name: string, value: string): Fields {
  const lower = name.toLowerCase();
  const at = fields.findIndex(([known]) => known.toLowerCase() === lower);
  if (at < 0) return [...fields, [name, value]];
  return fields.flatMap(([known, old], index): Fields =>
    known.toLowerCase() !== lower ? [[known, old]] : index === at ? [[name, value]] : []
  );
}

/** `fields` with `member` in the list that all fields of this name are, which has it once. */
export function merged(fields: Fields, name: string, member: string): Fields {
  const lower = name.toLowerCase();
  const values = fields.filter(([known]) => known.toLowerCase() === lower).map(([, value]) => value);
  const members = values.join(",").split(",").map((each) => each.trim().toLowerCase());
  if (members.includes(member.toLowerCase()) || members.includes("*")) return fields;
  return withField(fields, name, [...values, member].join(", "));
}
