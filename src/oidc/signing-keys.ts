/**
 * The issuer's signing keys: rows with a sealed private half and a life in stages.
 *
 *     created ── published ── active_from: signs ── retired_at: signs no more ── published_until: gone
 *
 * A key is published before it signs and after it has signed, so that no verifier meets a token whose key it cannot
 * find. For now the first key is made ready at start and signs for good.
 */
import { desc, gt, isNull, or } from "drizzle-orm";
import type { Sealer } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { createPrivateJwk, parsePrivateJwk, parsePublicJwk, type PrivateJwk, type PublicJwk, publicJwkOf } from "./jwk.ts";

/** Far more than rotation ever has in flight. */
const KEYS_MAX = 100;

export interface StoredKey {
  readonly publicJwk: PublicJwk;
  readonly sealedPrivateJwk: string;
  /** Whether it may sign now. */
  readonly isActive: boolean;
}

/** Every published key, the one that signs first. */
export async function listKeys(reader: Reader, now: number): Promise<readonly StoredKey[]> {
  const { signingKeys: keys } = reader.tables;
  const rows = await reader
    .select()
    .from(keys)
    .where(or(isNull(keys.published_until), gt(keys.published_until, now)))
    .orderBy(desc(keys.active_from), desc(keys.kid))
    .limit(KEYS_MAX);
  const stored = rows.map((row) => ({
    publicJwk: parsePublicJwk(row.public_jwk),
    sealedPrivateJwk: row.private_jwk,
    isActive: row.active_from <= now && (row.retired_at === null || row.retired_at > now),
  }));
  return [...stored.filter((key) => key.isActive), ...stored.filter((key) => !key.isActive)];
}

/** The private half. Throws Fault `unavailable` when it was sealed under another master key, or altered. */
export function openKey(sealer: Sealer, { publicJwk, sealedPrivateJwk }: StoredKey): PrivateJwk {
  let opened: Buffer;
  try {
    opened = sealer.open("signing-key", publicJwk.kid, sealedPrivateJwk);
  } catch (cause) {
    throw new Fault("unavailable", "The issuer's signing key in the store cannot be opened with this master key.", {
      hint: "Restore master.key from the backup that belongs to this store.",
      cause,
    });
  }
  return parsePrivateJwk(opened.toString("utf8"));
}

async function insertKey({ writer, services, sealer }: CommandAct): Promise<string> {
  const privateJwk = createPrivateJwk(services.random);
  const publicJwk = publicJwkOf(privateJwk);
  const now = services.clock.now();
  await writer.insert(writer.tables.signingKeys).values({
    kid: publicJwk.kid,
    alg: publicJwk.alg,
    public_jwk: JSON.stringify(publicJwk),
    private_jwk: sealer.seal("signing-key", publicJwk.kid, JSON.stringify(privateJwk)),
    created_at: now,
    active_from: now,
  });
  return publicJwk.kid;
}

/**
 * Makes sure that a key can sign now: the one there is, opened to be sure, or a first one. Gives its kid.
 * Two processes that start at the same moment may each make one; both are published, and the newest signs.
 */
export const prepareSigningKey = command("signing_key.prepare", async (act, _input: undefined): Promise<{ readonly kid: string }> => {
  const [first] = await listKeys(act.writer, act.services.clock.now());
  if (first?.isActive === true) openKey(act.sealer, first);
  const kid = first?.isActive === true ? first.publicJwk.kid : await insertKey(act);
  act.note({ subject: `signing_key:${kid}`, details: { created: first?.isActive !== true } });
  return { kid };
});

/** The JWK Set (RFC 7517 section 5). */
export const listPublicKeys = query(
  "signing_key.list_public",
  async ({ reader, services }, _input: undefined): Promise<{ readonly keys: readonly PublicJwk[] }> => {
    const keys = await listKeys(reader, services.clock.now());
    return { keys: keys.map((key) => key.publicJwk) };
  },
);
