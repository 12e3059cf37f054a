/**
 * mpmd: an HTTP server for Deno, built as Apache httpd is built. Run it (`deno run -A mod.ts`), or take the types that an
 * application needs from here.
 *
 * @module
 */

export type { Application, FetchInfo } from "./modules/app/application.ts";
export {
  serve,
  type ServeOptions,
  type Server,
  type ServerAddress,
  ServerError,
  type StopOptions,
} from "./server/embedding/serve.ts";
export type { ChildStatus, ServerStatus } from "./server/embedding/owner_messages.ts";
export { VERSION } from "./server/version.ts";

if (import.meta.main) {
  // By a name that Deno does not follow: a program that imports this module would else be checked with the whole server, whose bare
  // names are not in the import map of that program.
  const { begin } = await import(new URL("./entry/begin.ts", import.meta.url).href) as {
    begin(args: readonly string[], entry: string): Promise<number>;
  };
  // Not awaited: when nothing is left to wait for, a program that is loaded ahead in a compiled server (entry/probe.ts) has to be told.
  begin(Deno.args, import.meta.url).then((code) => Deno.exit(code));
}
