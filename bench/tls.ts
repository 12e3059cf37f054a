// How fast is TLS, beside others? `deno task bench:tls` runs the same site, with the same ECDSA certificate, on mpmd, Apache httpd
// (mpm_event, mod_ssl), nginx (two workers) and Deno.serve in turns, on loopback, and prints medians and ratios. It needs apache2, nginx
// and wrk on the PATH.

import { HELLO, MEGABYTE, printRates, Site } from "./site.ts";
import { type Scenario, withPeers } from "./wrk.ts";

const SCENARIOS: readonly Scenario[] = [
  { name: "14 bytes, keep-alive, c=64", path: "/small.txt", connections: 64, answer: HELLO },
  {
    name: "14 bytes, a full handshake per request, c=16",
    path: "/small.txt",
    connections: 16,
    close: true,
    answer: HELLO,
  },
  { name: "1 MB, keep-alive, c=16", path: "/1m.bin", connections: 16, answer: MEGABYTE },
];

await using site = await Site.make({ files: { "/small.txt": HELLO, "/1m.bin": MEGABYTE }, tls: "http/1.1" });
const { peers } = site;
await withPeers(peers, "/small.txt", () => printRates(peers, SCENARIOS, 3, 1, "wrk -t1, TLS 1.3"));
