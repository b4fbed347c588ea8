/**
 * The audit log for its readers: administrators and the operator see all of it, owners and admins of a team see what was
 * done in their team.
 *
 * Rule: reads only. The gate alone writes rows, and nothing changes or deletes one.
 */
import { and, count, desc, eq, gte, inArray, lt, type SQL } from "drizzle-orm";
import { assert, invalidField } from "../fault.ts";
import type { AuditRow } from "../gate/audit-chain.ts";
import type { Caller } from "../gate/caller.ts";
import { query } from "../gate/operation.ts";
import { operations } from "../gate/operations.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { requireMembership } from "../teams/membership.ts";
import { type Place, rowsAfter } from "./rows.ts";

/** The operations, by what stands before the dot of their names. */
const areas: ReadonlyMap<string, readonly string[]> = Map.groupBy(Object.keys(operations), (name) => name.slice(0, name.indexOf(".")));

/** Rows of an export that are read at once. */
const EXPORT_ROWS = 500;
const FILTER_CHARACTERS_MAX = 200;

/** Each narrows what is found; together they all hold. */
export interface AuditFilter {
  /** An operation, or the area before the dot of its name, such as `license`. */
  readonly operation?: string | undefined;
  /** `kind:id`, or the kind alone for callers without an id. */
  readonly actor?: string | undefined;
  /** `kind:id` of what it was done to. */
  readonly subject?: string | undefined;
  readonly team_id?: string | undefined;
  readonly outcome?: string | undefined;
  /** RFC 3339; rows of this instant and later. */
  readonly from?: string | undefined;
  /** RFC 3339; rows before this instant. */
  readonly to?: string | undefined;
}

export interface AuditRecord {
  readonly id: string;
  readonly created_at: string;
  readonly operation: string;
  readonly outcome: string;
  readonly actor: string;
  readonly team_id: string | null;
  readonly subject: string | null;
  readonly address: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

function requireInstant(field: string, text: string): number {
  const instant = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instant)) throw invalidField(field, "is a time such as 2026-03-31T12:00:00Z");
  return instant;
}

function requireShort(field: string, text: string): string {
  if (text.length > FILTER_CHARACTERS_MAX || text.includes("\0")) throw invalidField(field, `is at most ${FILTER_CHARACTERS_MAX} characters`);
  return text;
}

/** Throws Fault `invalid_request` for a filter that can find nothing, so that a slip does not look like an empty log. */
function conditionsOf({ tables: { audit } }: Reader, filter: AuditFilter): readonly SQL[] {
  const { operation, outcome, from, to } = filter;
  const area = operation === undefined ? undefined : areas.get(operation);
  if (operation !== undefined && area === undefined && !Object.hasOwn(operations, operation)) throw invalidField("operation", "is none of this platform's operations or their areas, such as license");
  if (outcome !== undefined && outcome !== "done" && outcome !== "refused") throw invalidField("outcome", "is done or refused");
  const same = (["operation", "actor", "subject", "team_id", "outcome"] as const).flatMap((name) => {
    const wanted = filter[name];
    return wanted === undefined || (name === "operation" && area !== undefined) ? [] : eq(audit[name], requireShort(name, wanted));
  });
  return [
    ...same,
    ...(area === undefined ? [] : [inArray(audit.operation, area)]),
    ...(from === undefined ? [] : [gte(audit.at, requireInstant("from", from))]),
    ...(to === undefined ? [] : [lt(audit.at, requireInstant("to", to))]),
  ];
}

interface Reading {
  readonly reader: Reader;
  readonly caller: Caller;
  readonly action: "audit.list" | "audit.export";
}

/**
 * The team whose rows alone the caller may see; undefined for all of them. A person who speaks in a team, or asks for
 * one, sees that team's, unless they administer the deployment.
 */
async function findConfines({ reader, caller, action }: Reading, filter: AuditFilter): Promise<string | undefined> {
  if (caller.kind === "operator" || (caller.kind === "user" && caller.isAdministrator)) return undefined;
  assert(caller.kind === "user", "the row admits people and the operator");
  const { teamId } = await requireMembership(reader, { ...caller, teamId: filter.team_id?.toLowerCase() ?? caller.teamId }, action);
  return teamId;
}

async function whereOf(reading: Reading, filter: AuditFilter): Promise<SQL | undefined> {
  const { reader } = reading;
  const confines = await findConfines(reading, filter);
  const wanted = conditionsOf(reader, { ...filter, team_id: filter.team_id?.toLowerCase() });
  return and(...wanted, confines === undefined ? undefined : eq(reader.tables.audit.team_id, confines));
}

function detailsOf(text: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
}

function recordOf({ id, at, operation, outcome, actor, team_id, subject, address, details }: AuditRow): AuditRecord {
  return { id, created_at: isoTime(at), operation, outcome, actor, team_id, subject, address, details: detailsOf(details) };
}

/** A page of the log, newest first. */
export const listAudit = query(
  "audit.list",
  async ({ caller, reader }, { current_page, per_page, ...filter }: PageRequest & AuditFilter): Promise<{ readonly audit_list: readonly AuditRecord[]; readonly page_meta: PageMeta }> => {
    const page = pageOf({ current_page, per_page });
    const where = await whereOf({ reader, caller, action: "audit.list" }, filter);
    const { audit } = reader.tables;
    const [total] = await reader.select({ count: count() }).from(audit).where(where);
    const rows = await reader.select().from(audit).where(where).orderBy(desc(audit.at), desc(audit.id)).limit(page.limit).offset(page.offset);
    return { audit_list: rows.map(recordOf), page_meta: page.meta(total?.count ?? 0) };
  },
);

export interface ExportedPage {
  /** Each a JSON object without line end, with the chain and all that it is made from. */
  readonly lines: readonly string[];
  /** Where the next page begins; null behind the last one. */
  readonly next: Place | null;
}

/** The next part of an export. Authority is asked for each part, so a long export ends with the authority. */
export const exportAudit = query("audit.export", async ({ caller, reader }, { after, ...filter }: AuditFilter & { readonly after?: Place | undefined }): Promise<ExportedPage> => {
  const where = await whereOf({ reader, caller, action: "audit.export" }, filter);
  const rows = await rowsAfter(reader, { after, limit: EXPORT_ROWS, where });
  const last = rows.at(-1);
  return {
    lines: rows.map((row) => JSON.stringify(row)),
    next: last === undefined || rows.length < EXPORT_ROWS ? null : { stream: last.stream, sequence: last.sequence },
  };
});

/** All of an export as a stream of lines (application/jsonl). Its first part is read before it is handed out, so that a refusal is an answer. */
export async function auditLines(readPart: (after: Place | undefined) => Promise<ExportedPage>): Promise<ReadableStream<Uint8Array>> {
  let part: ExportedPage | undefined = await readPart(undefined);
  return new ReadableStream({
    async pull(controller) {
      if (part === undefined) return controller.close();
      if (part.lines.length > 0) controller.enqueue(Buffer.from(`${part.lines.join("\n")}\n`));
      part = part.next === null ? undefined : await readPart(part.next);
      if (part === undefined) controller.close();
    },
  });
}
