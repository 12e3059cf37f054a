// How does a program for `deno run` look? It calls Deno.serve(), and runs here as it is: the server listens on the port that it names.
//
//   deno run -A mod.ts examples/deno_serve/main.ts

Deno.serve({ port: 8001 }, (request, info) => {
  const { pathname } = new URL(request.url);
  return Response.json({ pathname, from: info.remoteAddr.hostname });
});
