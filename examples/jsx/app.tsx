// How is HTML written in JSX? By the compilerOptions of the application's own deno.json: Preact's elements, rendered to a string.
//
//   deno run -A mod.ts examples/jsx/app.tsx

import { render } from "preact-render-to-string";

function Page({ path, names }: { path: string; names: readonly string[] }) {
  return (
    <html lang="en">
      <head>
        <title>{path}</title>
      </head>
      <body>
        <h1>{path}</h1>
        <ul>{names.map((name) => <li key={name}>{name}</li>)}</ul>
      </body>
    </html>
  );
}

export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    const html = render(<Page path={pathname} names={searchParams.getAll("name")} />);
    return new Response(`<!doctype html>${html}`, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
