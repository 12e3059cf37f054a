// What does a client want first? The Priority field and PRIORITY_UPDATE frames (RFC 9218): an urgency, and whether a part of the
// response is of use before the whole.

/** How a response is wanted. */
export interface Priority {
  /** 0: first, 7: when there is nothing else to send. */
  readonly urgency: number;
  /** It shares the connection with others of its urgency; others are sent one after the other. */
  readonly incremental: boolean;
}

export const DEFAULT_PRIORITY: Priority = { urgency: 3, incremental: false };

/** What `value`, a dictionary of structured fields (RFC 8941), says; members that are not known, or not as they should be, say nothing. */
export function parsePriority(value: string): Priority {
  let { urgency, incremental } = DEFAULT_PRIORITY;
  for (const member of value.split(",")) {
    const [, name, text] = /^\s*([a-z*][a-z0-9_.*-]*)(?:=([^;\s]*))?/.exec(member) ?? [];
    if (name === "u" && /^[0-7]$/.test(text ?? "")) urgency = Number(text);
    else if (name === "i" && (text === undefined || text === "?1" || text === "?0")) {
      incremental = text !== "?0";
    }
  }
  return { urgency, incremental };
}
