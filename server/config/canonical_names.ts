// What does the server call itself in URLs and variables? UseCanonicalName and UseCanonicalPhysicalPort.

import { flag } from "./arguments.ts";
import type { Context, Directive } from "./directives.ts";
import { dirKey } from "./stores.ts";

/** Where a request's own host name and port come from; undefined: as around it, then Off. */
export interface CanonicalNames {
  /** From ServerName, not from the client. */
  name: boolean | undefined;
  /** The port that the connection came to may be told. */
  physicalPort: boolean | undefined;
}

/** The key of both. */
export const canonicalNames = dirKey<CanonicalNames>("canonical names", {
  create: () => ({ name: undefined, physicalPort: undefined }),
  merge: (base, over) => ({
    name: over.name ?? base.name,
    physicalPort: over.physicalPort ?? base.physicalPort,
  }),
});

const PLACES: readonly Context[] = ["server config", "virtual host", "directory"];

/** The rows of the two directives. */
export const canonicalNameRows: readonly Directive[] = [{
  name: "UseCanonicalName",
  contexts: PLACES,
  args: 1,
  syntax: "UseCanonicalName On|Off",
  help: "Whether the server calls itself by its ServerName, or by what the client asked for",
  default: "Off",
  apply([word], to) {
    to.dir.get(canonicalNames).name = flag(word);
  },
}, {
  name: "UseCanonicalPhysicalPort",
  contexts: PLACES,
  args: 1,
  syntax: "UseCanonicalPhysicalPort On|Off",
  help: "Whether the port that the connection came to may stand in the server's own name",
  default: "Off",
  apply([word], to) {
    to.dir.get(canonicalNames).physicalPort = flag(word);
  },
}];
