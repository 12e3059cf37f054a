// What was this server made of? The lists of -V and -l, in httpd's layout (mpm.md 2, 16).

import { allMpms, type MpmChoice } from "../mpm/mod.ts";
import { type Capabilities, system } from "../platform/detect.ts";
import { NoOpenSsl, openSsl } from "../platform/openssl.ts";
import { BUILT_IN_ELSEWHERE } from "./httpd_names.ts";
import { modules } from "./modules.ts";
import { VERSION_LINES } from "./version.ts";

/** What -l prints: source names, the core's first. */
export function compiledModules(): string {
  const sources = [
    ...BUILT_IN_ELSEWHERE.values(),
    ...modules().map(({ source }) => source).filter((source) => source !== "core.c").sort(),
    ...allMpms().map(({ source }) => source),
  ];
  return ["Compiled in modules:", "  core.c", ...sources.map((source) => `  ${source}`)].join("\n");
}

/** Which OpenSSL there is, or why there is none. */
function tlsFinding(): string {
  try {
    return `yes (libssl, ${openSsl().version})`;
  } catch (error) {
    if (!(error instanceof NoOpenSsl)) throw error;
    return `no (${error.message})`;
  }
}

/** What -V prints. `choice` is undefined when the configuration names no MPM that can run. */
export function buildSettings(
  choice: MpmChoice | undefined,
  capabilities: Capabilities,
  defaultServerRoot: string,
): string {
  const { deno, v8, typescript } = Deno.version;
  const mpm = choice === undefined ? [] : [
    `  threaded:     ${choice.mpm.threaded}`,
    `    forked:     ${choice.mpm.forked}`,
    `    chosen:     ${choice.reason}`,
  ];
  return [
    ...VERSION_LINES,
    `Server loaded:  Deno ${deno}, V8 ${v8}, TypeScript ${typescript}`,
    `Architecture:   64-bit (${Deno.build.arch})`,
    `Server MPM:     ${choice?.mpm.title ?? ""}`,
    ...mpm,
    "Platform:",
    ...Object.entries(capabilities).map(([name, { available, reason }]) =>
      `  ${name}: ${available ? "yes" : "no"} (${reason})`
    ),
    `  TLS: ${tlsFinding()}`,
    "Server compiled with....",
    ...system === "linux" ? [" -D APR_HAS_SENDFILE"] : [],
    " -D APR_HAVE_IPV6 (IPv4-mapped addresses enabled)",
    " -D DYNAMIC_MODULE_LIMIT=0",
    ` -D HTTPD_ROOT="${defaultServerRoot}"`,
    ` -D DEFAULT_PIDLOG="logs/httpd.pid"`,
    ` -D DEFAULT_ERRORLOG="logs/error_log"`,
    ` -D SERVER_CONFIG_FILE="conf/httpd.conf"`,
  ].join("\n");
}
