/** Refresh tokens as the store knows them: by keyed digest alone. */
import { eq } from "drizzle-orm";
import type { Sealer } from "../crypto/sealing.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";

/** Whatever is longer is none of ours and is not hashed. */
const REFRESH_TOKEN_CHARACTERS_MAX = 512;

export function refreshTokenDigest(sealer: Sealer, token: string): string {
  return sealer.digest("oidc-refresh-token", token);
}

const findRow = planRead((reader, given: Given<{ readonly digest: string }>) => {
  const { oidcRefreshTokens: tokens } = reader.tables;
  return reader.select().from(tokens).where(eq(tokens.digest, given("digest")));
});

/** The row of a refresh token, used up or not; undefined when there is none. */
export async function findRefreshToken(reader: Reader, sealer: Sealer, token: string) {
  if (token.length > REFRESH_TOKEN_CHARACTERS_MAX) return undefined;
  const [found] = await findRow(reader, { digest: refreshTokenDigest(sealer, token) });
  return found;
}
