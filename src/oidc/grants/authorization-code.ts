/**
 * The authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.6): a code is exchanged once.
 *
 * Rule: a code that comes again ends the grant and all that came of it, and that is remembered; either it was stolen or
 * its answer was lost, and nobody can tell (RFC 9700 section 4.5). One transaction decides, so of any number of
 * redemptions side by side one succeeds.
 */
import { createHash } from "node:crypto";
import { and, eq, inArray, isNull, lt } from "drizzle-orm";
import { isSameSecret } from "../../crypto/sealing.ts";
import { type CommandAct, Refused } from "../../gate/operation.ts";
import type { Tables } from "../../store/schema.ts";
import { codeDigest } from "../authorization/grant.ts";
import { endGrant, findLiveGrant } from "../live-grants.ts";
import { OAuthError } from "../oauth-error.ts";
import { firstRefreshToken, redeem, type Redeemed, requireKeys, signPersonTokens } from "../person-tokens.ts";
import type { Grant, GrantRequest } from "./grant.ts";

const CODE = /^[0-9A-Za-z]{43}$/;
/** RFC 7636 section 4.1. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
/** So long a used code is known again; later it is like any that never was. */
const REMEMBERED_MS = 86_400_000;
const SWEEP_MAX = 20;

type StoredCode = Tables["oidcCodes"]["$inferSelect"];

/** One wording for every way in which a code is not good: which it was is nobody's business. */
function refused(): OAuthError {
  return new OAuthError("invalid_grant", "The code is not good: unknown, over, used before, or given for another client, address or key.", { hint: "Start a new sign-in." });
}

async function findCode(act: CommandAct, code: string): Promise<StoredCode | undefined> {
  if (!CODE.test(code)) return undefined;
  const { oidcCodes: codes } = act.writer.tables;
  const [row] = await act.writer.select().from(codes).where(eq(codes.digest, codeDigest(act, code)));
  return row;
}

/** RFC 7636 section 4.6. A verifier for a code without a challenge is refused too: somebody took the challenge away (RFC 9700 section 2.1.1). */
export function isVerified(challenge: string | null, verifier: string | undefined): boolean {
  if (challenge === null || verifier === undefined) return challenge === null && verifier === undefined;
  return VERIFIER.test(verifier) && isSameSecret(createHash("sha256").update(verifier).digest("base64url"), challenge);
}

/** Whether the request is the one that the code was given for. Each of these alone refuses it (CVE-2026-28513). */
function fits({ parameters, jkt }: GrantRequest, row: StoredCode, now: number): boolean {
  const checks: readonly boolean[] = [
    now < row.expires_at,
    parameters.get("redirect_uri") === row.redirect_uri,
    isVerified(row.code_challenge, parameters.get("code_verifier")),
    row.dpop_jkt === null || row.dpop_jkt === jkt,
  ];
  return checks.every(Boolean);
}

/** Uses up the code; false when it was used already. */
async function take({ writer, services }: CommandAct, { digest }: StoredCode): Promise<boolean> {
  const { oidcCodes: codes } = writer.tables;
  const now = services.clock.now();
  const old = writer.select({ digest: codes.digest }).from(codes).where(lt(codes.expires_at, now - REMEMBERED_MS)).limit(SWEEP_MAX);
  await writer.delete(codes).where(inArray(codes.digest, old));
  const [taken] = await writer
    .update(codes)
    .set({ used_at: now })
    .where(and(eq(codes.digest, digest), isNull(codes.used_at)))
    .returning({ digest: codes.digest });
  return taken !== undefined;
}

async function exchange(act: CommandAct, request: GrantRequest): Promise<Redeemed | Refused> {
  const row = await findCode(act, request.parameters.get("code") ?? "");
  if (row === undefined || row.client_id !== request.client.client_id) throw refused();
  const now = act.services.clock.now();
  if (row.used_at === null && !fits(request, row, now)) throw refused();
  if (!(await take(act, row))) {
    await endGrant(act, row.grant_id, "code_replayed");
    return new Refused(refused());
  }
  const grant = await findLiveGrant(act.writer, row.grant_id, now);
  if (grant === undefined) throw refused();
  const refreshToken = await firstRefreshToken(act, request, grant);
  return await redeem(act, request, { grant, scope: grant.scope, refreshToken, isFirst: true });
}

export const authorizationCode: Grant = {
  type: "authorization_code",
  parameters: ["code", "redirect_uri", "code_verifier"],
  async issue(act, request) {
    await requireKeys(request);
    const redeemed = await act.write<Redeemed>((commandAct) => exchange(commandAct, request));
    return await signPersonTokens(act, request, redeemed);
  },
};
