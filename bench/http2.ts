// How fast is HTTP/2, beside others? `deno task bench:http2` runs the same site over TLS, with the same ECDSA certificate, on mpmd, Apache
// httpd (mpm_event, mod_http2), nginx (two workers) and Deno.serve in turns, on loopback, and prints medians and ratios. It needs
// apache2, nginx and h2load on the PATH.

import { HELLO, printRates, Site, TEN } from "./site.ts";
import { type Scenario, withPeers } from "./wrk.ts";

const LARGE = new TextEncoder().encode("0123456789".repeat(10_000));
const SCENARIOS: readonly Scenario[] = ([
  ["14 bytes", "/small.txt", HELLO],
  ["10 kB", "/10k.txt", TEN],
  ["100 kB", "/100k.txt", LARGE],
] as const).map(([name, path, answer]) => ({
  name: `${name}, h2load -c16 -m32`,
  path,
  connections: 16,
  streams: 32,
  answer,
}));

await using site = await Site.make({
  files: { "/small.txt": HELLO, "/10k.txt": TEN, "/100k.txt": LARGE },
  tls: "h2",
});
const { peers } = site;
await withPeers(peers, "/small.txt", () => printRates(peers, SCENARIOS, 3, 1, "h2load, TLS 1.3"));
