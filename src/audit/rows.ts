/** Rows of the audit as they lie in the store, stream by stream. */
import { and, asc, eq, gt, or, type SQL } from "drizzle-orm";
import type { AuditRow } from "../gate/audit-chain.ts";
import type { Reader } from "../store/store.ts";

/** A place between two rows, in the order of streams and sequences. */
export interface Place {
  readonly stream: string;
  readonly sequence: number;
}

export async function findRow(reader: Reader, stream: string, sequence: number): Promise<AuditRow | undefined> {
  const { audit } = reader.tables;
  const [found] = await reader.select().from(audit).where(and(eq(audit.stream, stream), eq(audit.sequence, sequence)));
  return found;
}

/** Up to `limit` rows behind `after` in the order of the chains; from the first one without it. */
export async function rowsAfter(reader: Reader, { after, limit, where }: { readonly after: Place | undefined; readonly limit: number; readonly where?: SQL | undefined }) {
  const { audit } = reader.tables;
  const isBehind = after === undefined ? undefined : or(gt(audit.stream, after.stream), and(eq(audit.stream, after.stream), gt(audit.sequence, after.sequence)));
  return await reader.select().from(audit).where(and(where, isBehind)).orderBy(asc(audit.stream), asc(audit.sequence)).limit(limit);
}
