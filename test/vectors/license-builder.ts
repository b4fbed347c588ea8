/**
 * Parts that the license vectors are built from: throw-away keys, a reference payload, and ways to sign it wrongly.
 *
 * Rule: deterministic, and independent of the catalog and its templates, so that published vectors change only when the
 * format does. The keys are good for nothing but these vectors: their seeds stand here.
 */
import { createHash, sign } from "node:crypto";
import { publicX, type SigningKey, signingKeyFromSeed } from "../../src/crypto/jws.ts";
import type { LicenseRefusal } from "../../src/license/document.ts";
import type { EmbeddedKey } from "../../src/license/trusted-keys.ts";

/** One vector: what goes into a reader and the word that has to come out. */
export interface LicenseVector {
  readonly name: string;
  /** Why a reader has to get this right. */
  readonly about: string;
  readonly expect: "ok" | LicenseRefusal;
  /** Highest sequence seen so far for each deployment; the reader compares it after everything else. */
  readonly highest_sequence?: Readonly<Record<string, number>>;
  /** The trusted keys, as in `license-keys.json`. */
  readonly keys: readonly EmbeddedKey[];
  /** The file's bytes, standard base64. */
  readonly file_base64: string;
}

export type Case = Omit<LicenseVector, "keys" | "file_base64"> & { readonly file: string | Uint8Array; readonly keys?: readonly EmbeddedKey[] };

function throwAwayKey(name: string): SigningKey {
  return signingKeyFromSeed(createHash("sha256").update(`cyberun license vectors: ${name}`).digest());
}

export const licenseKey = throwAwayKey("license");
export const trialKey = throwAwayKey("trial");
/** A key that no vector trusts. */
export const strangeKey = throwAwayKey("strange");

export function publicKey(key: SigningKey, purpose: "license" | "trial"): EmbeddedKey {
  return { kid: key.kid, kty: "OKP", crv: "Ed25519", x: publicX(key.publicKey), use: "sig", purpose, created_at: 1_750_000_000 };
}

export const trusted: readonly EmbeddedKey[] = [publicKey(licenseKey, "license"), publicKey(trialKey, "trial")];

/** A payload as it may also be wrong. */
export type Members = Readonly<Record<string, unknown>>;

/** The reference payload: everything in it is good. */
export const reference = {
  format: 1,
  license_id: "vector-0001",
  customer: { id: "example", name: "Example Works" },
  deployment_id: "example-plant-1",
  sequence: 7,
  template: "enterprise",
  issued_at: 1_750_000_000,
  not_before: 1_750_000_000,
  expires_at: 1_900_000_000,
  binding: { kind: "any" },
  features: { global: { registration: false, oidc_provider: true }, account: { manual_team_creation: true }, team: { webhooks: true } },
  quotas: { global: { max_users: 250, max_teams: -1 }, account: { max_owned_teams: 0 }, team: { max_members: 100 } },
  lease_seconds: 300,
  grace_seconds: 86_400,
  clock_tolerance_seconds: 90,
  critical: [],
} as const;

/** The reference payload of a trial, at the bounds of what a trial key may sign. */
export const referenceTrial = {
  ...reference,
  license_id: "vector-trial",
  template: "trial",
  activation: { days: 30 },
  quotas: {
    global: { max_users: 25, max_teams: 5, max_agents: 5, max_concurrent_tasks: 10 },
    account: { max_owned_teams: 5 },
    team: { max_agents: 5, max_members: 25, max_integration_keys: 10, max_concurrent_tasks: 10, max_webhooks: 10 },
  },
} as const;

export function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString("base64url");
}

/** `header` and `payload` exactly as given, with a signature by `key` that fits. */
export function sealed(header: string | Uint8Array, payload: string | Uint8Array, key: SigningKey = licenseKey): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${base64url(sign(null, Buffer.from(input), key.privateKey))}`;
}

export function goodHeader(key: SigningKey = licenseKey): string {
  return JSON.stringify({ alg: "EdDSA", kid: key.kid, typ: "cyberun-license+jws" });
}

/** A license with these members instead of the reference's; an undefined one is left out. */
export function license(members: Members = {}, key: SigningKey = licenseKey): string {
  return sealed(goodHeader(key), JSON.stringify({ ...reference, ...members }), key);
}

export function trial(members: Members = {}, key: SigningKey = trialKey): string {
  return license({ ...referenceTrial, ...members }, key);
}

/** The reference license under a header that has these members instead; an undefined one is left out. */
export function underHeader(members: Members): string {
  return sealed(JSON.stringify({ alg: "EdDSA", kid: licenseKey.kid, typ: "cyberun-license+jws", ...members }), JSON.stringify(reference));
}

/** The reference payload as JSON text with one place of it written otherwise; the place must be there exactly once. */
export function rewritten(from: string, to: string): string {
  const text = JSON.stringify(reference);
  if (text.split(from).length !== 2) throw new Error(`${from} is not in the reference exactly once`);
  return sealed(goodHeader(), text.replace(from, () => to));
}

/** The file with one bit of it turned. */
export function flipped(file: string, byte: number, bit: number): Uint8Array {
  const bytes = Buffer.from(file, "latin1");
  bytes.writeUInt8(bytes.readUInt8(byte) ^ (1 << bit), byte);
  return bytes;
}

/** The file's three parts. */
export function partsOf(file: string): readonly [string, string, string] {
  const [header = "", payload = "", signature = ""] = file.split(".");
  return [header, payload, signature];
}

export function vectorOf({ file, keys = trusted, ...told }: Case): LicenseVector {
  return { ...told, keys, file_base64: Buffer.from(file).toString("base64") };
}
