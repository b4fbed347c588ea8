/** How a credential is named in a request: by the id of its row, never by the key or a part of it. */
import { Fault } from "../fault.ts";

/** Ids are UUIDs (RFC 9562); whatever else stands in an id's place may be a key, so it is refused before it is looked up. */
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id in its one form. Throws Fault `invalid_request` when a key or prefix is given in its place; what was sent is not repeated. */
export function requireCredentialId(text: string): string {
  if (ID.test(text)) return text.toLowerCase();
  throw new Fault("invalid_request", "A credential is named by its id, not by its key or prefix.", {
    hint: "Take the id from the list of credentials. A key that was sent in an address may have been logged: revoke it.",
    details: { fields: [{ field: "credential_id", problem: "is not an id" }] },
  });
}
