// Koa, with a middleware that adds a field to every answer.
//
//   deno run -A mod.ts examples/koa/main.mjs

import Koa from "koa";

const app = new Koa();
app.use(async (context, next) => {
  await next();
  context.set("x-path", context.path);
});
app.use((context) => {
  context.body = context.path === "/" ? "Hello from Koa\n" : { path: context.path };
});

app.listen(8005);
