// What does the system's crypt(3) make of a password? libcrypt through FFI, off the event loop: bcrypt, SHA-crypt, yescrypt and what
// else the system knows.

import { system } from "./detect.ts";

const SYMBOLS = {
  crypt_r: { parameters: ["buffer", "buffer", "buffer"], result: "pointer", nonblocking: true },
} as const;

/** sizeof(struct crypt_data). Of libxcrypt, whose result stands at its beginning. */
const DATA_SIZE = 32_768;
/** CRYPT_OUTPUT_SIZE */
const OUTPUT_SIZE = 384;

let library: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;
let missing = system !== "linux";

/** Loads the library for this thread, which may give up FFI afterwards. Returns whether it is there. */
export function loadCrypt(): boolean {
  if (library !== undefined) return true;
  if (missing) return false;
  try {
    library = Deno.dlopen("libcrypt.so.1", SYMBOLS);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    missing = true;
  }
  return library !== undefined;
}

/** `password`, zero-terminated, with the method and salt of `setting`; undefined: the system does not know that method. */
export async function crypt(password: Uint8Array<ArrayBuffer>, setting: string): Promise<string | undefined> {
  if (!loadCrypt()) return undefined;
  const data = new Uint8Array(DATA_SIZE);
  await library!.symbols.crypt_r(password, new TextEncoder().encode(`${setting}\0`), data);
  const output = data.subarray(0, OUTPUT_SIZE);
  const text = new TextDecoder().decode(output.subarray(0, output.indexOf(0)));
  // Failure is told by a text that is no hash (crypt(3)).
  return text === "" || text.startsWith("*") ? undefined : text;
}
