/**
 * Tokens for another site: an access token (RFC 9068) of this issuer whose audience is the other site's API.
 *
 * It says besides who the person is, so that the other site can make an account without asking this one, and by `origin`
 * which site made it: replicas share an issuer, and each has to be told apart from the others.
 *
 * Rule: short, for one site that is pinned here, and for people who are signed in at this very site.
 */
import { and, eq, isNull } from "drizzle-orm";
import { Fault, invalidField } from "../fault.ts";
import { procedure } from "../gate/operation.ts";
import { requireUser } from "../identity/own-password.ts";
import { signJwt } from "../oidc/jwt.ts";
import type { Keyring } from "../oidc/keyring.ts";
import { FIRST_PARTY_SCOPE } from "../oidc/scope.ts";
import { getSelf, openSelf } from "./site-key.ts";
import { getSiteRow, siteOf } from "./sites.ts";

/** Long enough for clocks that differ and a request that is tried again; it cannot be taken back at a site without a network. */
const TOKEN_SECONDS_MAX = 300;
const CLIENT_ID = "cyberun";

export interface SiteToken {
  readonly access_token: string;
  readonly token_type: "Bearer";
  readonly expires_in: number;
  /** Where it is good. */
  readonly api_url: string;
}

/** Makes a token for the site. Throws Fault `not_found` for one that is not pinned here. */
export const createSiteToken = procedure("federation_token.issue", async (act, { site_id, keyring }: { readonly site_id: string; readonly keyring: Keyring }): Promise<SiteToken> => {
  const { userId, sessionId } = requireUser(act.caller);
  const { person, site, origin } = await act.write(async (inner) => {
    const found = siteOf(await getSiteRow(inner.writer, site_id));
    const { users } = inner.writer.tables;
    const [user] = await inner.writer.select().from(users).where(and(eq(users.id, userId), isNull(users.disabled_at)));
    if (user === undefined) throw new Fault("unauthenticated", "The account is gone.", { hint: "Sign in again." });
    inner.note({ subject: `site:${found.bundle.kid}`, details: { site: found.id } });
    return { person: user, site: found, origin: openSelf(inner, await getSelf(inner)).signing.kid };
  });
  const { services, settings } = act;
  if (site.bundle.endpoints.api === settings.publicUrl) throw invalidField("site_id", "names a site that has this one's own address; give each site its own CYBERUN_PUBLIC_URL");
  const iat = Math.floor(services.clock.now() / 1_000);
  const expires_in = Math.min(TOKEN_SECONDS_MAX, settings.accessTokenSeconds);
  const claims = {
    iss: settings.issuerUrl,
    sub: userId,
    aud: site.bundle.endpoints.api,
    exp: iat + expires_in,
    iat,
    jti: services.random.uuid(),
    client_id: CLIENT_ID,
    sid: sessionId,
    scope: FIRST_PARTY_SCOPE,
    origin,
    email: person.email_address,
    email_verified: person.email_verified,
    given_name: person.first_name,
    family_name: person.last_name,
  };
  return { access_token: await signJwt(await keyring.getSigningKey(), "at+jwt", claims), token_type: "Bearer", expires_in, api_url: site.bundle.endpoints.api };
});
