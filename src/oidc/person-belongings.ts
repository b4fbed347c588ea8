/** What a person has allowed clients goes with the account: consents, grants, and every code and token that came of them. */
import { eq, inArray } from "drizzle-orm";
import type { PersonBelongings } from "../identity/person-belongings.ts";

export const oidcBelongings: PersonBelongings = {
  tables: ["oidcConsents", "oidcGrants", "deviceAuthorizations"],
  async endPerson({ writer }, userId) {
    const { oidcConsents, oidcGrants, oidcCodes, oidcRefreshTokens, deviceAuthorizations } = writer.tables;
    const theirs = writer.select({ id: oidcGrants.id }).from(oidcGrants).where(eq(oidcGrants.user_id, userId));
    await writer.delete(oidcRefreshTokens).where(inArray(oidcRefreshTokens.grant_id, theirs));
    await writer.delete(oidcCodes).where(inArray(oidcCodes.grant_id, theirs));
    await writer.delete(oidcGrants).where(eq(oidcGrants.user_id, userId));
    await writer.delete(oidcConsents).where(eq(oidcConsents.user_id, userId));
    await writer.delete(deviceAuthorizations).where(eq(deviceAuthorizations.user_id, userId));
  },
};
