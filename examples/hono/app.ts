// How does an application of a framework look? As its own documents say: what Hono exports is what a server takes.
//
//   deno run -A mod.ts examples/hono/app.ts

import { Hono } from "hono";
import { logger } from "hono/logger";
import { secureHeaders } from "hono/secure-headers";

const app = new Hono();
app.use(secureHeaders());
app.use("/api/*", logger());
app.get("/", (c) => c.text("Hello from Hono\n"));
app.get("/api/users/:id", (c) => c.json({ id: c.req.param("id") }));
app.post("/api/echo", async (c) => c.json(await c.req.json()));

export default app;
