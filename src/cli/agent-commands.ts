/** Rows of the commands for the host of an agent. */
import type { CommandRow } from "./command-row.ts";

const file = { operands: ["FILE"], settings: [] } as const;

export const agentCommands = {
  "agent run": {
    ...file,
    purpose: "Run an agent: it dials its gateway and runs the commands that its own file allows",
    options: ["json"],
    notes: [
      "FILE is the agent's own file, TOML or JSON (docs/agents.md). Its key is in the file that key_file names, or in CYBERUN_AGENT_KEY; a command of a task never sees it.",
      "SIGTERM or Ctrl-C ends its commands, reports them as failed, to be run again, and leaves. cyberun agent drain lets them end first.",
      "Logs go to standard error, one JSON object a line.",
    ],
  },
  "agent install": {
    ...file,
    purpose: "Write a systemd unit that runs this agent with few rights",
    options: ["json", "out"],
    words: { out: { help: "New file for the unit", shownDefault: "none; the unit is printed" } },
    notes: ["The unit runs as a user of its own and may write into the agent's data directory alone. Nothing is started: the last lines say how."],
  },
  "agent diag": {
    ...file,
    purpose: "Say how the agent of this host stands: connected or why not, and what it runs",
    options: ["json"],
    notes: ["It ends in 3 when no agent runs here, or it is not connected."],
  },
  "agent drain": {
    ...file,
    purpose: "Let the agent of this host finish what it runs, take nothing new, and leave",
    options: ["json"],
  },
} as const satisfies Readonly<Record<string, CommandRow>>;
