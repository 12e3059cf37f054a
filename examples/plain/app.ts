// What is the least that an application can be? A module with a fetch handler, as `deno serve` takes it.
//
//   deno run -A mod.ts examples/plain/app.ts

export default {
  fetch(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response("Hello from mpmd\n");
    return Response.json({ error: `there is no ${pathname}` }, { status: 404 });
  },
};
