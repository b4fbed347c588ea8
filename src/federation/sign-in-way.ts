/**
 * "Continue with site B": a site of the circle as one more upstream provider here, and this site as a client there.
 *
 * Rule: neither site has to tell the other anything. A site's client id at another is made of its own fingerprint, and the
 * client is public with PKCE, so there is no secret to carry; where it leads back to stands in its signed bundle.
 */
import { eq } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import { findClient } from "../oidc/clients/client.ts";
import { insertClient, removeClient, replaceMetadata } from "../oidc/clients/client-operations.ts";
import { requireMetadata } from "../oidc/clients/metadata.ts";
import { readProvider } from "../upstream-provider.ts";
import { getSelf, openSelf } from "./site-key.ts";
import type { Site } from "./sites.ts";

/** What the site `kid` is called as a client at others. */
export function siteClientId(kid: string): string {
  return `site-${kid}`;
}

function providerId(site: Pick<Site, "id">): string {
  return `site-${site.id}`;
}

const provisioningOf = { refuse: "none", link: "none", create: "trusted" } as const;

async function setProvider(act: CommandAct, { id, bundle, rules }: Site): Promise<void> {
  const { upstreamProviders: providers } = act.writer.tables;
  const { kid } = openSelf(act, await getSelf(act)).signing;
  const provider = readProvider(providerId({ id }), {
    display_name: bundle.site_name.slice(0, 60),
    issuer: bundle.issuer,
    client_id: siteClientId(kid),
    token_endpoint_auth_method: "none",
    provisioning: provisioningOf[rules.mapping],
  });
  const now = act.services.clock.now();
  const columns = { ...provider, allowed_domains: JSON.stringify(provider.allowed_domains), client_secret: null, disabled_at: null, updated_at: now };
  await act.writer.insert(providers).values({ ...columns, created_at: now }).onConflictDoUpdate({ target: providers.id, set: columns });
}

async function setClient(act: CommandAct, { bundle }: Site): Promise<void> {
  const clientId = siteClientId(bundle.kid);
  const metadata = requireMetadata("managed", { client_name: bundle.site_name, redirect_uris: [bundle.endpoints.upstream_callback], token_endpoint_auth_method: "none", scope: "openid email profile" }, clientId);
  const before = await findClient(act.writer, clientId);
  if (before === undefined) await insertClient(act, { clientId, metadata, isFirstParty: false, registrationDigest: null });
  else await replaceMetadata(act, before, metadata);
}

/** Takes the way away, with everything that the site got as a client here. */
export async function removeSignInWay(act: CommandAct, site: Pick<Site, "id" | "bundle">): Promise<void> {
  const { upstreamProviders: providers } = act.writer.tables;
  await act.writer.delete(providers).where(eq(providers.id, providerId(site)));
  const clientId = siteClientId(site.bundle.kid);
  if ((await findClient(act.writer, clientId)) !== undefined) await removeClient(act, clientId);
}

/** Has the sign-in pages of both offer what the rules say. Replicas have one issuer, and so nowhere to go on to. */
export async function setSignInWay(act: CommandAct, site: Site): Promise<void> {
  if (!site.rules.sign_in || site.shape === "replica" || site.rules.mapping === "refuse") return await removeSignInWay(act, site);
  await setProvider(act, site);
  await setClient(act, site);
}
