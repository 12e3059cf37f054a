// What is an application to the server? The types that one is written against.

/** The second argument of an application's fetch, as `deno serve` gives it. */
export interface FetchInfo {
  readonly remoteAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  readonly completed: Promise<void>;
}

/** The default export of an application module. */
export interface Application {
  fetch(request: Request, info: FetchInfo): Response | Promise<Response>;
}
