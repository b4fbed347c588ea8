/**
 * The document of a sector (OpenID Connect Core 1.0 section 8.1): it shows that whoever owns the sector's host knows every
 * address that answers of the client go to. Without that a client could say it belongs to somebody else's sector.
 */
import { Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { dialJson, type DialSite } from "../../dialler.ts";
import { Fault } from "../../fault.ts";
import type { ClientMetadata } from "./client.ts";
import { refusedMember } from "./metadata.ts";
import { URI_CHARACTERS_MAX } from "./redirect-uris.ts";

const URIS_MAX = 1_000;
const documentShape = shapeOf(Type.Array(Type.String({ maxLength: URI_CHARACTERS_MAX }), { maxItems: URIS_MAX }));

export type Sector = Pick<ClientMetadata, "sector_identifier_uri" | "redirect_uris">;

function isSame(one: Sector, other: Sector): boolean {
  return one.sector_identifier_uri === other.sector_identifier_uri && other.redirect_uris.every((uri) => one.redirect_uris.includes(uri));
}

async function readDocument(site: DialSite, uri: string): Promise<unknown> {
  try {
    return await dialJson(site, uri, "application/json");
  } catch (error) {
    if (error instanceof Fault) throw refusedMember("sector_identifier_uri", `cannot be read. ${error.message} ${error.hint ?? ""}`.trim().replace(/\.$/, ""));
    throw error;
  }
}

/**
 * Fetches the sector's document, where there is one and it was not asked for the same addresses before.
 * Throws OAuthError `invalid_client_metadata` unless it names all of the redirect URIs.
 */
export async function requireSector(site: DialSite, metadata: Sector, before?: Sector): Promise<void> {
  const uri = metadata.sector_identifier_uri;
  if (uri === undefined || (before !== undefined && isSame(before, metadata))) return;
  const named = await readDocument(site, uri);
  if (!documentShape.Check(named)) throw refusedMember("sector_identifier_uri", "leads to something else than a JSON array of addresses");
  const missing = metadata.redirect_uris.findIndex((each) => !named.includes(each));
  if (missing >= 0) throw refusedMember("sector_identifier_uri", `leads to a document that does not name entry ${missing} of redirect_uris`);
}

/** The document is read before the transaction, so what is written has to be what was asked for. Throws Fault `conflict` where somebody was faster. */
export function requireSameSector(asked: Sector, written: Sector): void {
  if (written.sector_identifier_uri === undefined || isSame(asked, written)) return;
  throw new Fault("conflict", "The client was changed at the same time.", { hint: "Read it again and repeat the change." });
}
