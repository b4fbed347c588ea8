/**
 * Who a person is to a client: `sub`, the same for ever, and with `pairwise` another one for each sector, so that two
 * applications cannot tell that they know the same person (OpenID Connect Core 1.0 section 8).
 */
import type { Sealer } from "../crypto/sealing.ts";
import type { Client } from "./clients/client.ts";

export type SubjectClient = Pick<Client, "client_id" | "subject_type" | "redirect_uris" | "sector_identifier_uri">;

/** The host of the sector's document, or the one web host that answers go to; a client without one is a sector of its own. */
function sectorOf({ client_id, redirect_uris, sector_identifier_uri }: SubjectClient): string {
  if (sector_identifier_uri !== undefined) return new URL(sector_identifier_uri).host;
  const hosts = new Set(redirect_uris.map((uri) => (uri.startsWith("https://") ? new URL(uri).host : "")));
  const [host] = hosts;
  return hosts.size === 1 && host !== undefined && host !== "" ? host : `client:${client_id}`;
}

/**
 * The `sid` by which this client knows the sign-in (OpenID Connect Back-Channel Logout 1.0 section 2.1). With `pairwise` it
 * is another one for each sector too: a `sid` that two applications share would tell them what `sub` does not.
 */
export function sidFor(sealer: Sealer, client: SubjectClient, sessionId: string): string {
  return client.subject_type === "public" ? sessionId : sealer.digest("oidc-sid", `${sectorOf(client)}\n${sessionId}`);
}

/** The `sub` by which this client knows the person. */
export function subjectFor(sealer: Sealer, client: SubjectClient, userId: string): string {
  return client.subject_type === "public" ? userId : sealer.digest("oidc-subject", `${sectorOf(client)}\n${userId}`);
}
