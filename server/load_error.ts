// Why does a program not load, and where? What Deno says of a module that it cannot load or run, with file, line and column.

import { OWN_CODE } from "./own_code.ts";

/** `file:///app.ts:3:5` in a stack or a message. */
const PLACE = /((?:file|https?|jsr|npm|data):[^\s()]*?:\d+:\d+)/;

/** The stack's frames that are not of the server's own modules. */
function placeOf(stack: string): string | undefined {
  for (const line of stack.split("\n").filter((text) => /^\s*at /.test(text))) {
    const place = PLACE.exec(line)?.[1];
    if (place !== undefined && !place.startsWith(OWN_CODE)) return place;
  }
  return undefined;
}

/** One text for people about an error that came out of importing `url`. */
export function describeLoadError(error: unknown, url: string): string {
  if (!(error instanceof Error)) return `${url} threw ${String(error)} while it was loaded`;
  // deno-lint-ignore no-control-regex -- Deno colours what it says of modules
  const message = error.message.trim().replaceAll(/\x1b\[\d+m/g, "");
  const kind = error.name === "Error" ? "" : `${error.name}: `;
  const place = PLACE.test(message) ? undefined : placeOf(error.stack ?? "");
  const text = place === undefined ? `${kind}${message}` : `${kind}${message}\n    at ${place}`;
  return `${url} does not load: ${text}`;
}
