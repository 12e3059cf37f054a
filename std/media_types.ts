// Which media type has a file name? `@std/media-types`, taken from npm:deno-std, which ships no types: they are declared here.

import { typeByExtension as typeByExtensionJs } from "npm:deno-std@1.4.0/media_types/type_by_extension.js";

/** The media type of a file extension (with or without its dot), or undefined. */
export const typeByExtension: (extension: string) => string | undefined = typeByExtensionJs;
