/**
 * The signing keys in memory, so that a token costs no read of the store.
 *
 * Rule: what it holds is at most {@link KEEP_MS} old, so that a revoked key is refused everywhere in that time; which
 * of the keys signs is asked of the clock each time, so that all processes change at the same moment. A kid it does
 * not know makes it look again at once: a key that another process made is found with its first token.
 */
import type { KeyObject } from "node:crypto";
import { Fault } from "../fault.ts";
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { privateKeyOf, publicKeyOf, type SigningAlgorithm } from "./jwk.ts";
import { addSigningKey } from "./key-rotation.ts";
import type { PublicKeys } from "./public-keys.ts";
import { findSigningKey, listPublishedKeys, longestTokenSeconds, noteTokenLife, openKey, type StoredKey } from "./signing-keys.ts";

/** How long a revoked key may live on in a process that is not told. */
const KEEP_MS = 5_000;
const KID = /^[A-Za-z0-9_-]{43}$/;

export interface TokenSigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly privateKey: KeyObject;
  /** No token that it signs may live longer. */
  readonly tokenSeconds: number;
}

export interface TokenVerifyKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicKey: KeyObject;
}

export interface Keyring {
  /** The key that signs now; ES256 unless told. The first key of another algorithm is made when it is first asked for. Throws Fault `unavailable` while there is none or it cannot be opened. */
  getSigningKey(alg?: SigningAlgorithm): Promise<TokenSigningKey>;
  /** The published key of that name, or undefined. */
  findVerifyKey(kid: string): Promise<TokenVerifyKey | undefined>;
  /** All keys that verify; the same object until they are read again. */
  listPublicKeys(): Promise<PublicKeys>;
}

interface Held {
  readonly keys: readonly StoredKey[];
  readonly published: PublicKeys;
  readonly loadedAtMs: number;
}

function noKey(): Fault {
  return new Fault("unavailable", "The issuer has no key to sign with yet.", { hint: "Wait until the role is ready, or restart it." });
}

function findPublishedKey(keys: readonly StoredKey[], kid: string, now: number): StoredKey | undefined {
  return keys.find(({ publicJwk, publishedUntil }) => publicJwk.kid === kid && (publishedUntil === null || publishedUntil > now));
}

/** What is published of the keys: what it was before, as long as it is the same. */
function samePublished(held: Held | undefined, keys: readonly StoredKey[]): PublicKeys {
  const isSame = held !== undefined && held.keys.length === keys.length && keys.every((key, index) => held.keys[index]?.publicJwk.kid === key.publicJwk.kid);
  return isSame ? held.published : { keys: keys.map(({ publicJwk }) => publicJwk) };
}

/** A key ring over the gate's store. One for each role. */
export function createKeyring(gate: Gate): Keyring {
  const { store, sealer, services, settings } = gate;
  const { clock } = services;
  let held: Held | undefined;
  let loading: Promise<Held> | undefined;
  const opened = new Map<SigningAlgorithm, TokenSigningKey>();
  const verifying = new Map<string, TokenVerifyKey>();

  const read = async (): Promise<Held> => {
    const loadedAtMs = clock.monotonic();
    const keys = await store.read((reader) => listPublishedKeys(reader, clock.now()));
    for (const kid of verifying.keys()) if (!keys.some(({ publicJwk }) => publicJwk.kid === kid)) verifying.delete(kid);
    held = { keys, published: samePublished(held, keys), loadedAtMs };
    return held;
  };
  // Callers that arrive together share one read.
  const load = (): Promise<Held> => {
    loading ??= read().finally(() => (loading = undefined));
    return loading;
  };
  /** A read that began after the call: one that is under way may be older than the key that is looked for. */
  const loadAnew = async (): Promise<Held> => {
    await loading;
    return await load();
  };
  const fresh = async (): Promise<Held> => {
    const isFresh = held !== undefined && clock.monotonic() - held.loadedAtMs < KEEP_MS;
    return isFresh && held !== undefined ? held : await load();
  };
  const openedKey = (key: StoredKey): TokenSigningKey => {
    const { kid, alg } = key.publicJwk;
    const known = opened.get(alg);
    if (known?.kid === kid && known.tokenSeconds === key.tokenSeconds) return known;
    const signing = { kid, alg, privateKey: privateKeyOf(openKey(sealer, key)), tokenSeconds: key.tokenSeconds };
    opened.set(alg, signing);
    return signing;
  };
  const findSigning = ({ keys }: Held, alg: SigningAlgorithm) => findSigningKey(keys, alg, clock.now());
  const findPublished = ({ keys }: Held, kid: string): TokenVerifyKey | undefined => {
    const key = findPublishedKey(keys, kid, clock.now());
    if (key === undefined) return undefined;
    const known = verifying.get(kid) ?? { kid, alg: key.publicJwk.alg, publicKey: publicKeyOf(key.publicJwk) };
    verifying.set(kid, known);
    return known;
  };

  return {
    async getSigningKey(alg = "ES256") {
      let signing = findSigning(await fresh(), alg) ?? findSigning(await loadAnew(), alg);
      if (signing === undefined && alg !== "ES256") {
        await addSigningKey(gate, system, { alg });
        signing = findSigning(await loadAnew(), alg);
      }
      const seconds = longestTokenSeconds(settings);
      if (signing !== undefined && signing.tokenSeconds < seconds) {
        await noteTokenLife(gate, system, { kid: signing.publicJwk.kid, seconds });
        signing = findSigning(await loadAnew(), alg);
      }
      if (signing === undefined) throw noKey();
      return openedKey(signing);
    },
    async findVerifyKey(kid) {
      if (!KID.test(kid)) return undefined;
      return findPublished(await fresh(), kid) ?? findPublished(await loadAnew(), kid);
    },
    async listPublicKeys() {
      return (await fresh()).published;
    },
  };
}
