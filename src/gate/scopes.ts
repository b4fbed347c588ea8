/**
 * Scopes: how an integration key is narrowed to a part of the runtime surface. A key without scopes has all of it.
 *
 * Rule: every operation that integration keys reach names the one scope it needs; a new one without does not compile.
 * The set is closed. Words are the resource and what is done to it; they stand in keys that people made, so none is
 * ever given another meaning.
 */
import type { OperationName } from "./operations.ts";
import type { surfaceOf } from "./surfaces.ts";

export const scopes = {
  "workflows:read": "List and read the team's workflows.",
  "workflows:run": "Run workflows.",
  "tasks:read": "List and read tasks, follow their events, fetch results.",
  "tasks:cancel": "Cancel tasks.",
  "files:write": "Upload input files.",
  "files:read": "Fetch files.",
  "agents:read": "List the team's agents.",
  "containers:read": "List and read container services.",
  "containers:invoke": "Call container services.",
} as const satisfies Record<string, string>;

export type Scope = keyof typeof scopes;

/** The operations that integration keys reach. */
type KeyOperation = { [Name in OperationName]: (typeof surfaceOf)[Name] extends "runtime" | "mcp" ? Name : never }[OperationName];

/** What every key may: what lies behind it asks for its own. */
type Open = "mcp.connect";

const scopeOf = {
  "workflow.list_runtime": "workflows:read",
  "workflow.read_runtime": "workflows:read",
  "workflow.read_by_slug": "workflows:read",
  "file.presign": "files:write",
  "file.presign_download": "files:read",
  "task.run": "workflows:run",
  "task.run_by_slug": "workflows:run",
  "task.list": "tasks:read",
  "task.read": "tasks:read",
  "task.read_result": "tasks:read",
  "task.follow": "tasks:read",
  "task.cancel": "tasks:cancel",
  "agent.list_runtime": "agents:read",
  "container.list_runtime": "containers:read",
  "container.read_by_slug": "containers:read",
  "container.call": "containers:invoke",
  "container.invoke": "containers:invoke",
} as const satisfies Record<Exclude<KeyOperation, Open>, Scope>;

const byName: ReadonlyMap<string, Scope> = new Map(Object.entries(scopeOf));

/** The scope that an integration key needs for the operation; undefined where no key gets in, or everybody does. */
export function findScope(name: OperationName): Scope | undefined {
  return byName.get(name);
}

export function isScope(text: string): text is Scope {
  return Object.hasOwn(scopes, text);
}

const names: readonly string[] = Object.keys(scopes);
export const scopeNames: readonly Scope[] = names.filter(isScope);
