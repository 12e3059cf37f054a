// How does a program of Node's run here? Unchanged: Express listens, and the MPM does it in its place.
//
//   deno run -A mod.ts examples/express/main.mjs

import express from "express";

const app = express();
app.use(express.json());
app.get("/", (_request, response) => {
  response.send("Hello from Express\n");
});
app.post("/api/echo", (request, response) => {
  response.status(201).json(request.body);
});

app.listen(8003);
