/**
 * The key by which other sites know this one: Ed25519 to sign what it says of itself, X25519 to receive what is meant for
 * it alone. Both come from one seed, which is made when it is first needed and sealed in the store.
 *
 * Rule: the thumbprint of the signing key is the site's fingerprint, and all that a person ever has to compare.
 */
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto";
import { eq } from "drizzle-orm";
import { publicX, type SigningKey, signingKeyFromSeed } from "../crypto/jws.ts";
import type { CommandAct } from "../gate/operation.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";

/** The one row. */
const SELF = "self";
const SEED_BYTES = 32;
/** What stands before the scalar in an X25519 private key in DER (RFC 8410 section 7). */
const X25519_DER_HEAD = Buffer.from("302e020100300506032b656e04220420", "hex");

export type SelfRow = Tables["federationSelf"]["$inferSelect"];

export interface SiteKey {
  readonly signing: SigningKey;
  /** The `x` member of the signing key. */
  readonly signingX: string;
  readonly sealing: KeyObject;
  /** The `x` member of the sealing key. */
  readonly sealingX: string;
}

function derived(seed: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", seed, "", `cyberun/federation/1/${purpose}`, SEED_BYTES));
}

/** The X25519 key pair of 32 bytes (RFC 7748 section 6.1). */
export function x25519Of(scalar: Uint8Array): { readonly privateKey: KeyObject; readonly x: string } {
  const privateKey = createPrivateKey({ key: Buffer.concat([X25519_DER_HEAD, scalar]), format: "der", type: "pkcs8" });
  return { privateKey, x: publicX(createPublicKey(privateKey)) };
}

function siteKeyOf(seed: Uint8Array): SiteKey {
  const signing = signingKeyFromSeed(derived(seed, "sign"));
  const { privateKey: sealing, x: sealingX } = x25519Of(derived(seed, "seal"));
  return { signing, signingX: publicX(signing.publicKey), sealing, sealingX };
}

export async function findSelf(reader: Reader): Promise<SelfRow | undefined> {
  const { federationSelf: self } = reader.tables;
  const [row] = await reader.select().from(self).where(eq(self.id, SELF));
  return row;
}

/** The row of this site, made when there is none. */
export async function getSelf({ writer, sealer, services }: Pick<CommandAct, "writer" | "sealer" | "services">): Promise<SelfRow> {
  const found = await findSelf(writer);
  if (found !== undefined) return found;
  const seed = sealer.seal("federation-seed", SELF, services.random.bytes(SEED_BYTES));
  const values = { id: SELF, seed, sequence: 0, created_at: services.clock.now() };
  const [made] = await writer.insert(writer.tables.federationSelf).values(values).returning();
  if (made === undefined) throw new Error("the row of this site was made");
  return made;
}

export function openSelf({ sealer }: Pick<CommandAct, "sealer">, { seed }: Pick<SelfRow, "seed">): SiteKey {
  return siteKeyOf(sealer.open("federation-seed", SELF, seed));
}

/** Takes note of the bundle that was signed. */
export async function noteBundle({ writer }: CommandAct, set: Pick<SelfRow, "bundle" | "content_digest" | "sequence" | "issued_at">): Promise<void> {
  const { federationSelf: self } = writer.tables;
  await writer.update(self).set(set).where(eq(self.id, SELF));
}

/** What was typed, without what groups it. */
export function readFingerprint(typed: string): string {
  return typed.replace(/\s+/g, "");
}
