/**
 * What stands for a person, and how it goes with the account.
 *
 * Rule: a domain that keeps something for people says so in a value of this shape, and `across/person-belongings.ts`
 * lists it. A test refuses a table with a `user_id` that no value names. Everything happens in the transaction of the
 * deed: when the call has returned, nothing of the person's is good any more (GHSA-2vg6-77g8-24mp).
 */
import { eq } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import type { Tables } from "../store/schema.ts";

export interface PersonBelongings {
  /** Every table of the domain that has a `user_id`. */
  readonly tables: readonly (keyof Tables)[];
  /** Ends and removes what the person has. The account's own row is still there. */
  endPerson(act: CommandAct, userId: string): Promise<void>;
}

export const identityBelongings: PersonBelongings = {
  tables: ["sessions", "passkeys", "secondFactors", "recoveryCodes", "stepTokens"],
  async endPerson({ writer }, userId) {
    const { sessions, passkeys, secondFactors, recoveryCodes, stepTokens } = writer.tables;
    for (const table of [sessions, passkeys, secondFactors, recoveryCodes, stepTokens]) await writer.delete(table).where(eq(table.user_id, userId));
  },
};
