// What do the six MPMs have in common for a test, and what not? Each model with directives that give it four slots, and the
// questions that are asked of all of them.

import { assertEquals } from "@std/assert";
import { Connection, TestServer } from "./harness.ts";

/** How a model behaves, with the directives that give it room for four connections and no more. */
export interface Model {
  readonly name: string;
  /** Connections are relayed, as where descriptors cannot be passed. */
  readonly relayed?: boolean;
  readonly module: string;
  /** Four slots, and nothing that grows. */
  readonly four: string;
  readonly slots: number;
  /** Processes that hold four connections. */
  readonly processes: number;
  /** An idle keep-alive connection occupies a slot. */
  readonly blocks: boolean;
  readonly children: boolean;
}

export const MODELS: readonly Model[] = [
  {
    name: "prefork",
    module: "mpm_prefork_module",
    four: "StartServers 4\nMinSpareServers 1\nMaxSpareServers 4\nMaxRequestWorkers 4\n",
    slots: 4,
    processes: 4,
    blocks: true,
    children: true,
  },
  {
    name: "worker",
    module: "mpm_worker_module",
    four: "StartServers 2\nThreadsPerChild 2\nMaxRequestWorkers 4\nMinSpareThreads 1\nMaxSpareThreads 4\n",
    slots: 4,
    processes: 2,
    blocks: true,
    children: true,
  },
  {
    name: "event",
    module: "mpm_event_module",
    four:
      "StartServers 2\nThreadsPerChild 2\nRequestsPerThread 1\nMaxRequestWorkers 4\nMinSpareThreads 1\nMaxSpareThreads 4\n",
    slots: 4,
    processes: 2,
    blocks: false,
    children: true,
  },
  {
    name: "mpm_winnt",
    module: "mpm_winnt_module",
    four: "ThreadsPerChild 4\n",
    slots: 4,
    processes: 1,
    blocks: true,
    children: true,
  },
  {
    name: "mpm_netware",
    module: "mpm_netware_module",
    four: "StartThreads 4\nMaxThreads 4\nMinSpareThreads 1\nMaxSpareThreads 4\n",
    slots: 4,
    processes: 1,
    blocks: true,
    children: false,
  },
  {
    name: "mpm_winnt",
    relayed: true,
    module: "mpm_winnt_module",
    four: "ThreadsPerChild 4\nDescriptorPassing Off\n",
    slots: 4,
    processes: 1,
    blocks: true,
    children: true,
  },
  {
    name: "mpm_netware",
    relayed: true,
    module: "mpm_netware_module",
    four: "StartThreads 4\nMaxThreads 4\nMinSpareThreads 1\nMaxSpareThreads 4\nDescriptorPassing Off\n",
    slots: 4,
    processes: 1,
    blocks: true,
    children: false,
  },
  {
    name: "mpmt_os2",
    module: "mpm_mpmt_os2_module",
    four: "StartServers 2\nMinSpareThreads 1\nMaxSpareThreads 2\n",
    slots: 4,
    processes: 2,
    blocks: true,
    children: true,
  },
];

export const FILES = { "htdocs/index.html": "<p>welcome</p>\n" };
export const GET = "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n";
const STATUS = "GET /server-status?auto HTTP/1.1\r\nHost: test.example\r\n\r\n";

export function config(model: Model, pool: string): string {
  return `LoadModule ${model.module} modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
MaxKeepAliveRequests 0
KeepAliveTimeout 30
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog logs/access_log common
<Location "/server-status">
  SetHandler server-status
</Location>
${pool}`;
}

export function start(model: Model, pool = model.four): Promise<TestServer> {
  return TestServer.start({ config: config(model, pool), files: FILES });
}

/** A connection that has had one answer and stays open. */
export async function idleConnection(server: TestServer): Promise<Connection> {
  const connection = await Connection.open(server.port);
  await connection.send(GET);
  const { body } = await connection.response();
  assertEquals(body, FILES["htdocs/index.html"]);
  return connection;
}

/** The processes that answer requests. Linux. */
export function servingProcesses(server: TestServer, model: Model): number[] {
  return model.children ? server.children() : [server.pid];
}

/** Letters of the scoreboard, asked for on a connection that is there already. */
export async function letters(connection: Connection): Promise<string> {
  await connection.send(STATUS);
  const { body } = await connection.response();
  return /^Scoreboard: (\S+)/m.exec(body)![1];
}

export function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}
