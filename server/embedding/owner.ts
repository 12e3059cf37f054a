// Who has started this server? Where it was serve() of mod.ts, the program that called it: it hears when the server serves or why it
// does not, says what it shall do, and takes the server with it when it ends.

import type { RemoteAction, ServerView, Supervisor } from "../../mpm/mod.ts";
import {
  connectControl,
  type ControlAddress,
  type ControlChannel,
} from "../../mpm/control/control_channel.ts";
import { takeSnapshot } from "../snapshot.ts";
import { type HttpdLevel, severity } from "../log/levels.ts";
import {
  OWNER_VARIABLE,
  type OwnerMessage,
  type ServerMessage,
  type ServerStatus,
} from "./owner_messages.ts";

/** The owner of this process, if it has one. Its variable is taken out of the environment: children have another owner. */
export async function findOwner(): Promise<Owner | undefined> {
  const address = Deno.env.get(OWNER_VARIABLE);
  if (address === undefined) return undefined;
  Deno.env.delete(OWNER_VARIABLE);
  return new Owner(await connectControl(JSON.parse(address) as ControlAddress));
}

/** The program that has started this server. */
export class Owner implements Supervisor {
  readonly #channel: ControlChannel;
  #view: ServerView | undefined;
  /** What to do by; what is asked for before is kept. */
  #carryOut: ((action: RemoteAction) => void) | undefined;
  readonly #early: RemoteAction[] = [];
  #state: "starting" | "serving" | "restarting" = "starting";
  #adopted = false;
  /** Somebody waits for the restart. */
  #asked = false;
  /** What went wrong since the start, or the restart, began. */
  #problems: string[] = [];

  constructor(channel: ControlChannel) {
    this.#channel = channel;
    this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const message of this.#channel.messages()) {
      const { type } = message as unknown as OwnerMessage;
      if (type === "status") this.#send({ type, status: this.#status() });
      else this.#do(type);
    }
    // However the owner has ended: nobody is there for whom to serve.
    this.#do("stop");
  }

  #do(action: RemoteAction): void {
    if (action === "graceful") this.#asked = true;
    if (this.#carryOut === undefined) this.#early.push(action);
    else this.#carryOut(action);
  }

  /** How the owner's wishes come to the server. */
  readonly remote = (carryOut: (action: RemoteAction) => void): () => void => {
    this.#carryOut = carryOut;
    for (const action of this.#early.splice(0)) carryOut(action);
    return () => {};
  };

  #send(message: ServerMessage): void {
    this.#channel.send({ ...message });
  }

  /** The error log has a line: of a start or a restart that fails it is the reason. */
  note(level: HttpdLevel, message: string): void {
    if (this.#state === "serving" || severity(level) > severity("error")) return;
    this.#problems.push(message);
  }

  /** The server does not start. `reason`: where it is not in the error log. */
  async failed(reason?: string): Promise<void> {
    if (this.#state === "starting") {
      this.#send({ type: "failed", reason: reason ?? this.#problems.join("\n") });
    }
    await this.#channel.flushed();
  }

  serving(addresses: readonly string[]): void {
    this.#state = "serving";
    this.#problems = [];
    this.#send({ type: "serving", addresses });
  }

  watch(view: ServerView): void {
    this.#view = view;
  }

  reloading(): void {
    this.#state = "restarting";
    this.#adopted = false;
    this.#problems = [];
  }

  /** The configuration that was read for a restart is in force. */
  adopted(): void {
    this.#adopted = true;
  }

  ready(): void {
    if (this.#state !== "restarting") return;
    this.#state = "serving";
    this.#tell(this.#adopted ? undefined : this.#problems.join("\n"));
  }

  failing(): void {
    if (this.#state === "restarting") this.#tell(this.#problems.join("\n"));
  }

  stopping(): void {}

  #tell(failure: string | undefined): void {
    this.#problems = [];
    if (!this.#asked) return;
    this.#asked = false;
    this.#send({ type: "restarted", failure });
  }

  #status(): ServerStatus {
    if (this.#view === undefined) {
      return { pid: Deno.pid, generation: 0, children: [], busy: 0, idle: 0, connections: 0, requests: 0 };
    }
    const { generation, children, busy, idle, accesses } = takeSnapshot(this.#view.scoreboard);
    return {
      pid: Deno.pid,
      generation,
      children: children.map((child) => ({
        pid: child.pid,
        threads: child.threads,
        connections: child.connections,
        ending: child.stopping,
        memory: child.resident * 1024,
      })),
      busy,
      idle,
      connections: children.reduce((sum, { connections }) => sum + connections, 0),
      requests: accesses,
    };
  }
}
