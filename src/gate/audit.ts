/** The audit row: written by the gate in the same commit as the deed it tells of, and chained to the row before it. */
import { desc, eq } from "drizzle-orm";
import type { Sealer } from "../crypto/sealing.ts";
import type { Services } from "../services.ts";
import { type Given, planRead, planWrite } from "../store/plan.ts";
import type { Tail, Writer } from "../store/store.ts";
import { type AuditRow, chainAfter, sealOf } from "./audit-chain.ts";
import { actorOf, type Caller } from "./caller.ts";
import type { OperationName } from "./operations.ts";

/** The stream of a store whose commands all run one after the other. */
export const ONLY_STREAM = "main";

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

/** What makes rows and seals them. */
export interface AuditPen {
  readonly services: Services;
  readonly sealer: Sealer;
}

export function teamOf(caller: Caller): string | undefined {
  return "teamId" in caller ? caller.teamId : undefined;
}

const findTail = planRead((reader, given: Given<{ stream: string }>) => {
  const { audit } = reader.tables;
  return reader
    .select({ stream: audit.stream, sequence: audit.sequence, chain: audit.chain })
    .from(audit)
    .where(eq(audit.stream, given("stream")))
    .orderBy(desc(audit.sequence))
    .limit(1);
});

const insertRow = planWrite((writer, given: Given<AuditRow>) =>
  writer.insert(writer.tables.audit).values({
    id: given("id"),
    stream: given("stream"),
    sequence: given("sequence"),
    at: given("at"),
    operation: given("operation"),
    outcome: given("outcome"),
    actor: given("actor"),
    team_id: given("team_id"),
    subject: given("subject"),
    address: given("address"),
    details: given("details"),
    chain: given("chain"),
    seal: given("seal"),
  }),
);

/** Where the next row goes. A strand of several begins a stream of its own; reading here would get in others' way. */
async function tailOf(writer: Writer, { services }: AuditPen): Promise<Tail> {
  const { strand } = writer;
  if (strand.tail !== undefined) return strand.tail;
  if (!strand.isOnly) return { stream: services.random.uuid(), sequence: 0, chain: "" };
  const [last] = await findTail(writer, { stream: ONLY_STREAM });
  return last ?? { stream: ONLY_STREAM, sequence: 0, chain: "" };
}

export async function appendAudit(writer: Writer, pen: AuditPen, entry: AuditEntry): Promise<void> {
  const { stream, sequence, chain: before } = await tailOf(writer, pen);
  const row = {
    id: pen.services.random.uuid(),
    stream,
    sequence: sequence + 1,
    at: pen.services.clock.now(),
    operation: entry.operation,
    outcome: entry.outcome,
    actor: actorOf(entry.caller),
    team_id: entry.teamId ?? teamOf(entry.caller) ?? null,
    subject: entry.subject ?? null,
    address: entry.caller.address ?? null,
    details: JSON.stringify(entry.details ?? {}),
  };
  const chain = chainAfter(before, row);
  await insertRow(writer, { ...row, chain, seal: sealOf(pen.sealer, chain) });
  writer.strand.tail = { stream, sequence: row.sequence, chain };
}
