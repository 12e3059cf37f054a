// Fastify, with a schema that it checks requests by.
//
//   deno run -A mod.ts examples/fastify/main.mjs

import Fastify from "fastify";

const app = Fastify();
app.get("/", () => Promise.resolve("Hello from Fastify\n"));
const body = { type: "object", required: ["name"], properties: { name: { type: "string" } } };
app.post("/api/greet", { schema: { body } }, (request) => Promise.resolve({ hello: request.body.name }));

await app.listen({ port: 8004 });
