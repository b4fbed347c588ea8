/**
 * Caps: how an operation consumes a quota in the very statement that makes the object.
 *
 *     insert into teams (…) select … where (select count(*) from teams) < :cap returning …
 *
 * Rule: no count is read before and trusted after. Commands are serializable on both engines, so a count that another
 * command is about to change is never counted on.
 */
import { sql, type SQL, type SQLWrapper } from "drizzle-orm";
import { Fault } from "../fault.ts";
import type { Qualified } from "../license/entitlements.ts";

export const UNLIMITED = -1;

/** A condition that holds while `count`, a query, is below `cap`; always when there is no cap. */
export function below(count: SQLWrapper, cap: number): SQL {
  return cap === UNLIMITED ? sql`true` : sql`(${count}) < ${cap}`;
}

/** The same for a plan, in which the cap is a value that is given with each run. */
export function belowGiven(count: SQLWrapper, cap: SQLWrapper): SQL {
  return sql`(${cap} = ${sql.raw(String(UNLIMITED))} or (${count}) < ${cap})`;
}

/** The refusal when a cap is reached: 403 with the quota's name. */
export function quotaFault({ namespace, key }: Qualified, cap: number): Fault {
  const why = cap === 0 ? "the license does not provide for any" : `the license's cap of ${cap} is reached`;
  return new Fault("quota_exceeded", `No more can be made: ${why} (quota ${namespace}.${key}).`, {
    hint: "Remove what is no longer needed, or ask the vendor for a license with a higher quota.",
    details: { quota: key, namespace, limit: cap, mended_by: "vendor" },
  });
}
