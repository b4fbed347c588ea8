/**
 * A vendor for tests: two key pairs that never change, and license files signed with them on demand.
 *
 *     const vendor = testVendor();
 *     const file = vendor.sign({ sequence: 2, features: { team: { webhooks: false } } });
 *     readLicense(Buffer.from(file), vendor.trusted);
 */
import { publicX, type SigningKey, signingKeyFromSeed, signJws } from "../../src/crypto/jws.ts";
import type { TemplateName } from "../../src/license/catalog.ts";
import { type License, LICENSE_FORMAT, LICENSE_TYP, type Namespace, type TrustedKey } from "../../src/license/document.ts";
import { type Revocation, REVOCATION_FORMAT, REVOCATION_TYP } from "../../src/license/revocation.ts";
import { termsOf } from "../../src/license/templates.ts";
import type { EmbeddedKeys } from "../../src/license/trusted-keys.ts";

/** Members of a license that a test wants otherwise. Features and quotas are merged key by key. */
export type LicenseOverrides = Partial<Omit<License, "features" | "quotas" | "template">> & {
  readonly template?: TemplateName;
  readonly features?: Partial<Record<Namespace, Readonly<Record<string, boolean>>>>;
  readonly quotas?: Partial<Record<Namespace, Readonly<Record<string, number>>>>;
};

export interface TestVendor {
  readonly keys: { readonly license: SigningKey; readonly trial: SigningKey };
  /** What a build of this vendor would trust. */
  readonly trusted: readonly TrustedKey[];
  /** The same as the content of a `license-keys.json`. */
  readonly embedded: EmbeddedKeys;
  /** The payload that `sign` would sign. */
  payload(overrides?: LicenseOverrides): License;
  /** The text of a license file, signed with the key whose purpose fits the template. */
  sign(overrides?: LicenseOverrides): string;
  /** The text of a revocation file. */
  revoke(overrides?: Partial<Revocation>): string;
}

/** November 2023 to May 2033: around every clock a test is likely to use. */
const ISSUED_AT = 1_700_000_000;
const EXPIRES_AT = 2_000_000_000;

function merged<T>(
  base: Record<Namespace, Record<string, T>>,
  changes: Partial<Record<Namespace, Readonly<Record<string, T>>>> = {},
): Record<Namespace, Record<string, T>> {
  return {
    global: { ...base.global, ...changes.global },
    account: { ...base.account, ...changes.account },
    team: { ...base.team, ...changes.team },
  };
}

/** The license `sign()` makes: template enterprise, deployment `test-deployment`, sequence 1, bound to nothing. */
export function licensePayload({ template = "enterprise", features, quotas, ...rest }: LicenseOverrides = {}): License {
  const terms = termsOf(template);
  return {
    ...terms,
    format: LICENSE_FORMAT,
    license_id: "test-license",
    customer: { id: "test-customer", name: "Test Customer" },
    deployment_id: "test-deployment",
    sequence: 1,
    issued_at: ISSUED_AT,
    not_before: ISSUED_AT,
    expires_at: EXPIRES_AT,
    binding: { kind: "any" },
    ...rest,
    features: merged(terms.features, features),
    quotas: merged(terms.quotas, quotas),
  };
}

/** The revocation `revoke()` makes: of the license that `sign()` makes, a day later. */
export function revocationPayload(overrides: Partial<Revocation> = {}): Revocation {
  return {
    format: REVOCATION_FORMAT,
    revocation_id: "test-revocation",
    deployment_id: "test-deployment",
    license_id: "test-license",
    sequence: 2,
    issued_at: ISSUED_AT + 86_400,
    reason: "The contract has ended.",
    ...overrides,
  };
}

/** A vendor whose keys follow from `name` alone. Two names give two vendors that do not trust each other. */
export function testVendor(name = "test vendor"): TestVendor {
  const seed = (purpose: string) => new Bun.CryptoHasher("sha256").update(`${name}/${purpose}`).digest();
  const keys = { license: signingKeyFromSeed(seed("license")), trial: signingKeyFromSeed(seed("trial")) };
  const purposes = ["license", "trial"] as const;
  return {
    keys,
    trusted: purposes.map((purpose) => ({ kid: keys[purpose].kid, publicKey: keys[purpose].publicKey, purpose })),
    embedded: {
      keys: purposes.map((purpose) => {
        const { kid, publicKey } = keys[purpose];
        return { kid, kty: "OKP", crv: "Ed25519", x: publicX(publicKey), use: "sig", purpose, created_at: ISSUED_AT };
      }),
    },
    payload: licensePayload,
    sign: (overrides) => {
      const payload = licensePayload(overrides);
      return signJws(LICENSE_TYP, payload.template === "trial" ? keys.trial : keys.license, payload);
    },
    revoke: (overrides) => signJws(REVOCATION_TYP, keys.license, revocationPayload(overrides)),
  };
}
