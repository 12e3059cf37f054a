// From where does this process run the server's code? From the modules as they are, or from the bundle that is made of them (bundle.ts).

/** The directory of the bundle that this process runs from; undefined: it runs from modules. */
export const RUNNING_BUNDLE: URL | undefined = import.meta.url.endsWith(".ts")
  ? undefined
  : new URL(".", import.meta.url);

/** What the URLs of the server's own code begin with: an application's fault is not there. */
export const OWN_CODE: string = (RUNNING_BUNDLE ?? new URL("..", import.meta.url)).href;
