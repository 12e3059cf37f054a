// What does a server thread take from the MPMs? Its loop, the scoreboard, and what the MPMs are; nothing of control process and listener,
// which a thread would load for nothing.

export { allMpms, findMpm } from "./registry.ts";
export {
  ChildField,
  GlobalField,
  openScoreboard,
  Scoreboard,
  type ScoreboardPlace,
  SlotField,
  SlotStatus,
  SlotText,
  SlotTotal,
  STATUS_LETTERS,
} from "./shared/scoreboard.ts";
export type { ThreadOrder } from "./thread/server_thread.ts";
export { runWorkerThread, type WorkerScope } from "./thread/worker_thread.ts";
