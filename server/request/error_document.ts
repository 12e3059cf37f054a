// What does the configuration say about error responses? ErrorDocument, ServerSignature and ServerAdmin.

import { ArgumentError, type Context, type Directive, dirKey, oneOf, serverKey } from "../config/mod.ts";
import { explained, parseString, type Word } from "../config/expression/mod.ts";
import { reasonPhrase } from "../http/content/mod.ts";

/** What is sent for a status: a text, what is at a path of this server, or a redirect to a URL. */
export interface ErrorDocument {
  readonly kind: "text" | "path" | "url";
  readonly value: Word;
}

/** The values of a place. */
export interface ErrorResponses {
  /** By status; undefined as a value: the server's own page. */
  documents: ReadonlyMap<number, ErrorDocument | undefined> | undefined;
  /** ServerSignature; undefined: as around it, then Off. */
  signature: "On" | "Off" | "EMail" | undefined;
}

/** The key of both. */
export const errorResponses = dirKey<ErrorResponses>("error responses", {
  create: () => ({ documents: undefined, signature: undefined }),
  merge: (base, over) => ({
    documents: base.documents === undefined || over.documents === undefined
      ? over.documents ?? base.documents
      : new Map([...base.documents, ...over.documents]),
    signature: over.signature ?? base.signature,
  }),
});

/** Whom to tell about errors, per virtual host. */
export const serverAdmin = serverKey<{ address: string | undefined }>("server admin", {
  create: () => ({ address: undefined }),
  merge: (base, over) => ({ address: over.address ?? base.address }),
});

/** True for what is a URL with a scheme, as far as Redirect and ErrorDocument care. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text);
}

function kindOf(text: string): ErrorDocument["kind"] {
  if (text.includes(" ")) return "text";
  if (text.startsWith("/")) return "path";
  return isUrl(text) ? "url" : "text";
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** The rows of the three directives. */
export const errorDocumentRows: readonly Directive[] = [{
  name: "ErrorDocument",
  contexts: EVERYWHERE,
  args: 2,
  syntax: "ErrorDocument error-code document",
  help: "What is sent instead of the server's own page: a text, a path of this server, a URL; or default",
  override: "FileInfo",
  apply([code, text], to, where) {
    const status = /^\d{3}$/.test(code) ? Number(code) : 0;
    if (status < 300 || reasonPhrase(status) === undefined) {
      throw new ArgumentError(`Unsupported HTTP response code ${code}`);
    }
    const values = to.dir.get(errorResponses);
    const kind = kindOf(text);
    if (status === 401 && kind === "url") {
      to.warnings.push({
        ...where,
        message: "AH00113: cannot use a full URL in a 401 ErrorDocument directive: it is ignored",
      });
      return;
    }
    const document: ErrorDocument | undefined = text.toLowerCase() === "default"
      ? undefined
      : { kind, value: explained("Cannot parse expression in ErrorDocument", () => parseString(text)) };
    values.documents = new Map([...values.documents ?? [], [status, document]]);
  },
}, {
  name: "ServerSignature",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "ServerSignature On|Off|EMail",
  help: "Whether the server's own pages end with a line about server and virtual host",
  default: "Off",
  override: "All",
  apply([word], to) {
    to.dir.get(errorResponses).signature = oneOf(word, ["On", "Off", "EMail"]);
  },
}, {
  name: "ServerAdmin",
  contexts: ["server config", "virtual host"],
  args: 1,
  syntax: "ServerAdmin email-address|URL",
  help: "Whom to tell about errors, on the server's own pages",
  apply([address], to) {
    to.server.get(serverAdmin).address = address;
  },
}];
