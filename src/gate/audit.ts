/** The audit row: written by the gate in the same commit as the deed it tells of. */
import type { Services } from "../services.ts";
import type { Writer } from "../store/store.ts";
import { actorOf, type Caller } from "./caller.ts";
import type { OperationName } from "./operations.ts";

/** What a command adds to its audit row. */
export interface AuditNote {
  /** `kind:id` of what it was done to. */
  readonly subject?: string;
  readonly teamId?: string;
  /** Facts for the reader of the log. Never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface AuditEntry extends AuditNote {
  readonly operation: OperationName;
  readonly outcome: "done" | "refused";
  readonly caller: Caller;
}

function teamOf(caller: Caller): string | undefined {
  return "teamId" in caller ? caller.teamId : undefined;
}

export async function appendAudit(writer: Writer, services: Services, entry: AuditEntry): Promise<void> {
  await writer.insert(writer.tables.audit).values({
    id: services.random.uuid(),
    at: services.clock.now(),
    operation: entry.operation,
    outcome: entry.outcome,
    actor: actorOf(entry.caller),
    team_id: entry.teamId ?? teamOf(entry.caller) ?? null,
    subject: entry.subject ?? null,
    address: entry.caller.address ?? null,
    details: JSON.stringify(entry.details ?? {}),
  });
}
