// Do handshakes bring along what an OCSP responder says of the certificate? Against a responder of the tests, whose answers openssl makes.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { authority, CA, EVENT, site, TLS_FILES, tlsConfig } from "./tls_support.ts";
import { TestServer, until } from "./harness.ts";

const decoder = new TextDecoder();

async function openssl(args: readonly string[], input: Uint8Array = new Uint8Array()): Promise<string> {
  const process = new Deno.Command("openssl", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const writer = process.stdin.getWriter();
  await writer.write(input as Uint8Array<ArrayBuffer>);
  await writer.close();
  const { stdout, stderr } = await process.output();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

/** A responder that knows one certificate, as `state` says of it. */
class Responder {
  state: "good" | "revoked" | "unable" = "good";
  /** What it says is good for an hour; else it does not say how long. */
  lasting = true;
  asked = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(readonly folder: string, readonly serial: string) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      this.asked++;
      const type = request.headers.get("content-type");
      if (request.method !== "POST" || type !== "application/ocsp-request") {
        return new Response("", { status: 400 });
      }
      const body = await request.bytes();
      if (this.state === "unable") return new Response("", { status: 500 });
      return new Response(await this.#respond(body));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/ocsp`;
  }

  async #respond(request: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const at = (name: string) => `${this.folder}/${name}`;
    const revoked = this.state === "revoked";
    await Deno.writeTextFile(
      at("index"),
      `${revoked ? "R" : "V"}\t491231235959Z\t${
        revoked ? "240101000000Z,keyCompromise" : ""
      }\t${this.serial}\tunknown\t/CN=test.example\n`,
    );
    await Deno.writeFile(at("request"), request);
    await openssl([
      ...[
        "ocsp",
        "-index",
        at("index"),
        "-CA",
        at("ca.pem"),
        "-rsigner",
        at("ca.pem"),
        "-rkey",
        at("ca.key"),
      ],
      ...["-reqin", at("request"), "-respout", at("response")],
      ...this.lasting ? ["-nmin", "60"] : [],
    ]);
    return await Deno.readFile(at("response"));
  }

  async end(): Promise<void> {
    await this.#server.shutdown();
  }
}

/** What openssl's client is told in the handshake. */
function stapled(port: number, ...more: string[]): Promise<string> {
  return openssl(
    ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "test.example", "-status", ...more],
  );
}

Deno.test({
  name:
    "stapling: responses are sent along, renewed, kept while they are good; errors are told, or not, as configured",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/ca.pem`, CA);
    await Deno.writeTextFile(`${folder}/ca.key`, authority.issued.key);
    await Deno.writeTextFile(`${folder}/site.pem`, site.certificate);
    const serial =
      /serial=(\w+)/.exec(await openssl(["x509", "-in", `${folder}/site.pem`, "-noout", "-serial"]))![1];
    const responder = new Responder(folder, serial);
    const rules = `SSLUseStapling on
      SSLStaplingForceURL ${responder.url}
      SSLStaplingStandardCacheTimeout 1
      SSLStaplingErrorCacheTimeout 1
      SSLStaplingResponderTimeout 1`;
    {
      await using server = await TestServer.start({
        config: tlsConfig(EVENT, rules, "SSLStaplingCache shmcb:logs/stapling(32768)"),
        files: { ...TLS_FILES, "conf/site.pem": `${site.certificate}${CA}` },
      });
      const shown = (what: RegExp, ...more: string[]) =>
        until(`${what}`, async () => what.test(await stapled(server.port, ...more)));
      await shown(/Cert Status: good/);
      assertMatch(await stapled(server.port, "-tls1_2"), /Cert Status: good/);
      // Who does not ask is told nothing; a connection still works.
      const [, silent] = await Promise.all([
        stapled(server.port),
        openssl(["s_client", "-connect", `127.0.0.1:${server.port}`, "-servername", "test.example"]),
      ]);
      assert(!silent.includes("OCSP"), silent.slice(0, 500));
      // Many at once, while responses are written.
      const answers = await Promise.all(Array.from({ length: 16 }, () => stapled(server.port)));
      assertEquals(answers.filter((answer) => answer.includes("Cert Status: good")).length, 16);
      const asked = responder.asked;
      await until("it to be asked again", () => responder.asked > asked);
      // A failure changes nothing while there is a good response.
      responder.state = "unable";
      await until("the log", () => /AH01941: [^\n]*it answers 500/.test(server.log("logs/error_log")));
      assertMatch(await stapled(server.port), /Cert Status: good/);
      responder.lasting = false;
      responder.state = "revoked";
      await shown(/Cert Status: revoked/);
      await until(
        "the log",
        () =>
          /AH02969: stapling_check_response: response has certificate status revoked \(reason: keyCompromise\)/
            .test(
              server.log("logs/error_log"),
            ),
      );
      // This one does not say how long it is good: clients are told of the failure soon.
      responder.state = "unable";
      await shown(/OCSP Response Status: trylater/);
      await Deno.writeTextFile(
        server.path("conf/httpd.conf"),
        Deno.readTextFileSync(server.path("conf/httpd.conf")).replace(
          "SSLUseStapling on",
          "SSLUseStapling on\nSSLStaplingReturnResponderErrors off",
        ),
      );
      await server.restartGracefully();
      await shown(/OCSP response: no response sent/);
    }
    await responder.end();
    await Deno.remove(folder, { recursive: true });
  },
});
