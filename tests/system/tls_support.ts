// What do tests of TLS have in common? An authority with certificates, a server that has them, and clients that trust it.

import { assert } from "@std/assert";
import * as nodeTls from "node:tls";
import { Authority, type Issued } from "../../server/development/certificates.ts";
import { inTime, TestServer } from "./harness.ts";
import { FILES, type Model, MODELS } from "./models.ts";

export const authority: Authority = await Authority.create("mpmd tests");
export const site: Issued = await authority.issue({
  commonName: "test.example",
  names: ["test.example", "localhost", "127.0.0.1"],
});
export const CA: string = authority.issued.certificate;

/** Models whose connections are descriptors. */
export const TLS_MODELS: readonly Model[] = MODELS.filter(({ relayed }) => relayed !== true);

/** 700 kB of lines that tell where they are from. */
export const LARGE: string = Array.from({ length: 50_000 }, (_, i) => `line ${i} of it\n`).join("");

export const TLS_FILES: Readonly<Record<string, string>> = {
  ...FILES,
  "htdocs/large.txt": LARGE,
  "conf/site.pem": site.certificate,
  "conf/site.key": site.key,
};

/** A server of one host with TLS; `more` stands in that host, `global` outside. */
export function tlsConfig(model: Model, more = "", global = "", pool = model.four): string {
  return `LoadModule ${model.module} modules/x.so
Listen 127.0.0.1:@PORT@ https
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
MaxKeepAliveRequests 0
KeepAliveTimeout 30
LogLevel info
LogFormat "%h %{SSL_PROTOCOL}x %{SSL_CIPHER}x %{SSL_TLS_SNI}x %{HTTPS}e %>s %{version}c" tls
CustomLog logs/access_log tls
${global}
<VirtualHost 127.0.0.1:@PORT@>
  ServerName test.example
  SSLEngine on
  SSLCertificateFile conf/site.pem
  SSLCertificateKeyFile conf/site.key
  ${more}
</VirtualHost>
${pool}`;
}

export const EVENT: Model = MODELS.find(({ name }) => name === "event")!;

export function startTls(
  model: Model,
  more = "",
  global = "",
  files: Readonly<Record<string, string>> = {},
  mode?: number,
): Promise<TestServer> {
  return TestServer.start({
    config: tlsConfig(model, more, global),
    files: { ...TLS_FILES, ...files },
    mode,
  });
}

/** A client with TLS: requests and whole answers, over one connection. */
export class TlsClient {
  #text = "";
  readonly #decoder = new TextDecoder("latin1");

  private constructor(readonly conn: Deno.TlsConn) {}

  static async open(port: number, hostname = "test.example"): Promise<TlsClient> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    const conn = await Deno.startTls(tcp, { hostname, caCerts: [CA] });
    await inTime("the handshake", conn.handshake());
    return new TlsClient(conn);
  }

  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.length;) sent += await this.conn.write(bytes.subarray(sent));
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65536);
    const n = await inTime("an answer", this.conn.read(buffer));
    if (n !== null) this.#text += this.#decoder.decode(buffer.subarray(0, n));
    return n !== null;
  }

  async response(): Promise<{ status: number; head: string; body: string }> {
    while (!this.#text.includes("\r\n\r\n")) {
      assert(await this.#more(), `the connection ended after ${JSON.stringify(this.#text.slice(0, 300))}`);
    }
    const split = this.#text.indexOf("\r\n\r\n") + 4;
    const head = this.#text.slice(0, split);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    while (this.#text.length < split + length) {
      assert(await this.#more(), "the connection ended within a body");
    }
    const body = this.#text.slice(split, split + length);
    this.#text = this.#text.slice(split + length);
    return { status: Number(head.split(" ", 2)[1]), head, body };
  }

  async get(path = "/", host = "test.example"): Promise<{ status: number; head: string; body: string }> {
    await this.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return await this.response();
  }

  /** True when the peer has ended the connection in order (close_notify); false when it was cut off. */
  async endsInOrder(): Promise<boolean> {
    try {
      while (await this.#more());
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.ConnectionReset) {
        return false;
      }
      throw error;
    }
  }

  close(): void {
    this.conn.close();
  }
}

/**
 * One request through node:tls, which knows client certificates and versions. Gives the whole answer; "" if there is none. `fields` are lines
 * with their ends.
 */
export function nodeRequest(
  port: number,
  options: nodeTls.ConnectionOptions,
  host = "test.example",
  path = "/",
  fields = "",
): Promise<{ text: string; subject: string; protocol: string | null; error: string | undefined }> {
  return inTime(
    "an answer",
    new Promise((resolve) => {
      let text = "";
      let subject = "";
      let protocol: string | null = null;
      let error: string | undefined;
      const socket = nodeTls.connect({ host: "127.0.0.1", port, ca: [CA], ...options }, () => {
        subject = String(socket.getPeerCertificate().subject?.CN ?? "");
        protocol = socket.getProtocol();
        socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}Connection: close\r\n\r\n`);
      });
      socket.on("data", (data: Uint8Array) => text += new TextDecoder().decode(data));
      socket.on("error", (reason: Error) => error = reason.message);
      socket.on("close", () => resolve({ text, subject, protocol, error }));
    }),
  );
}
