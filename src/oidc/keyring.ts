/**
 * The signing keys in memory, so that a token costs no read of the store.
 *
 * Rule: what it holds is at most {@link KEEP_MS} old, and a kid it does not know makes it look again at once: a key
 * that another process made is found with its first token.
 */
import type { KeyObject } from "node:crypto";
import { Fault } from "../fault.ts";
import type { Gate } from "../gate/operation.ts";
import { privateKeyOf, publicKeyOf } from "./jwk.ts";
import { listKeys, openKey, type StoredKey } from "./signing-keys.ts";

/** How long a revoked key may live on in a process that is not told. */
const KEEP_MS = 5_000;
const KID = /^[A-Za-z0-9_-]{43}$/;

export interface TokenSigningKey {
  readonly kid: string;
  readonly alg: "ES256";
  readonly privateKey: KeyObject;
}

export interface TokenVerifyKey {
  readonly kid: string;
  readonly alg: "ES256";
  readonly publicKey: KeyObject;
}

export interface Keyring {
  /** The key that signs now. Throws Fault `unavailable` while there is none or it cannot be opened. */
  getSigningKey(): Promise<TokenSigningKey>;
  /** The published key of that name, or undefined. */
  findVerifyKey(kid: string): Promise<TokenVerifyKey | undefined>;
}

interface Held {
  readonly signing: StoredKey | undefined;
  readonly verify: ReadonlyMap<string, TokenVerifyKey>;
  readonly loadedAtMs: number;
}

function verifyKeyOf({ publicJwk }: StoredKey): TokenVerifyKey {
  return { kid: publicJwk.kid, alg: publicJwk.alg, publicKey: publicKeyOf(publicJwk) };
}

/** A key ring over the gate's store. One for each role. */
export function createKeyring({ store, sealer, services }: Pick<Gate, "store" | "sealer" | "services">): Keyring {
  let held: Held | undefined;
  let opened: TokenSigningKey | undefined;
  let loading: Promise<Held> | undefined;

  const read = async (): Promise<Held> => {
    const loadedAtMs = services.clock.monotonic();
    const keys = await store.read((reader) => listKeys(reader, services.clock.now()));
    const signing = keys.find((key) => key.isActive);
    held = { signing, verify: new Map(keys.map((key) => [key.publicJwk.kid, verifyKeyOf(key)])), loadedAtMs };
    return held;
  };
  // Callers that arrive together share one read.
  const load = (): Promise<Held> => {
    loading ??= read().finally(() => (loading = undefined));
    return loading;
  };
  const fresh = async (): Promise<Held> => {
    const isFresh = held !== undefined && services.clock.monotonic() - held.loadedAtMs < KEEP_MS;
    return isFresh && held !== undefined ? held : await load();
  };

  return {
    async getSigningKey() {
      let { signing } = await fresh();
      if (signing === undefined) ({ signing } = await load());
      if (signing === undefined) {
        throw new Fault("unavailable", "The issuer has no key to sign with yet.", { hint: "Wait until the role is ready, or restart it." });
      }
      const { kid, alg } = signing.publicJwk;
      if (opened?.kid !== kid) opened = { kid, alg, privateKey: privateKeyOf(openKey(sealer, signing)) };
      return opened;
    },
    async findVerifyKey(kid) {
      if (!KID.test(kid)) return undefined;
      return (await fresh()).verify.get(kid) ?? (await load()).verify.get(kid);
    },
  };
}
