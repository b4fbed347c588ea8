/** The JWK Set (RFC 7517 section 5), from the key ring's memory: it is read far more often than keys change. */
import { procedure } from "../gate/operation.ts";
import type { PublicJwk } from "./jwk.ts";
import type { Keyring } from "./keyring.ts";

export interface PublicKeys {
  readonly keys: readonly PublicJwk[];
}

/** The keys that verify. The same object as long as nothing changed, so that what is made of it can be kept. */
export const listPublicKeys = procedure(
  "signing_key.list_public",
  async (_act, { keyring }: { readonly keyring: Pick<Keyring, "listPublicKeys"> }): Promise<PublicKeys> => await keyring.listPublicKeys(),
);
