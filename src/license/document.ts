/**
 * The license document: what a vendor signs, and the ordered list of checks that a file has to pass.
 *
 * Rule: pure. Bytes and trusted keys go in, a license or one named refusal comes out; no clock, no file, no store.
 * What a valid license is worth at this hour on this host is decided elsewhere (`clock-guard`, `server/`).
 * The format is published in `docs/license-format.md`; the vectors in `test/vectors/license` hold for every reader.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { JwsError, type JwsRefusal, verifyJws, type VerifyKey } from "../crypto/jws.ts";
import { trialBreach } from "./trial.ts";

export const LICENSE_TYP = "cyberun-license+jws";
export const LICENSE_FORMAT = 1;
/**
 * Bytes of a license file, line end included. A lease carries the whole file and its entitlements once more, in
 * base64url, and has to stay below the limit of a JWS: 4/3 · (24,576 + 3/4 · 24,576 + the rest) < 65,536.
 */
export const LICENSE_BYTES_MAX = 24_576;

/** What a trusted key may sign. The purpose is fixed where the key is embedded, never by a message. */
export type KeyPurpose = "license" | "trial";

export interface TrustedKey extends VerifyKey {
  readonly purpose: KeyPurpose;
}

const closed = { additionalProperties: false };
/** Epoch seconds up to the year 9999; a larger number is a slip, such as milliseconds. */
export const Instant = Type.Integer({ minimum: 0, maximum: 253_402_300_799 });
/** Printable: no control character, so that a name cannot act on the terminal that shows it. Counted in code points. */
export const Name = Type.String({ pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,200}$" });
export const Token = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$" });
/** A key of the catalog, or of a newer catalog than this build's. */
const KEY = "^[a-z][a-z0-9_]{0,63}$";
const Features = Type.Record(Type.String({ pattern: KEY }), Type.Boolean(), { ...closed, maxProperties: 256 });
const Quotas = Type.Record(Type.String({ pattern: KEY }), Type.Integer({ minimum: -1 }), { ...closed, maxProperties: 256 });
const HostPart = Type.String({ pattern: "^[a-z][a-z0-9_-]{0,31}:[A-Za-z0-9_-]{43}$" });

const Binding = Type.Union([
  Type.Object({ kind: Type.Literal("any") }, closed),
  Type.Object({ kind: Type.Literal("first_use") }, closed),
  Type.Object(
    {
      kind: Type.Literal("host"),
      /** Hashed host parts, `name:base64url(SHA-256)`, salted with the deployment id (see `server/binding.ts`). */
      fingerprints: Type.Array(HostPart, { minItems: 1, maxItems: 64, uniqueItems: true }),
      /** How many of them must be found on the host. */
      required: Type.Integer({ minimum: 1, maximum: 64 }),
    },
    closed,
  ),
  Type.Object(
    { kind: Type.Literal("cluster"), ids: Type.Array(Token, { minItems: 1, maxItems: 64, uniqueItems: true }) },
    closed,
  ),
]);

export const LicenseSchema = Type.Object(
  {
    format: Type.Integer({ minimum: 1 }),
    license_id: Token,
    customer: Type.Object({ id: Token, name: Name }, closed),
    deployment_id: Token,
    /** Grows with each re-issue for the deployment; a lower one than was ever seen is refused. */
    sequence: Type.Integer({ minimum: 1 }),
    template: Type.String({ pattern: KEY }),
    issued_at: Instant,
    not_before: Instant,
    expires_at: Instant,
    binding: Binding,
    /** Trial only: the license ends so many days after its first use, if that is earlier than `expires_at`. */
    activation: Type.Optional(Type.Object({ days: Type.Integer({ minimum: 1, maximum: 30 }) }, closed)),
    features: Type.Object({ global: Features, account: Features, team: Features }, closed),
    quotas: Type.Object({ global: Quotas, account: Quotas, team: Quotas }, closed),
    /** Life of a lease. A client refreshes at half of it. */
    lease_seconds: Type.Integer({ minimum: 5, maximum: 86_400 }),
    /** How long the last good lease is obeyed while no License Server answers, counted from its issue. */
    grace_seconds: Type.Integer({ minimum: 0, maximum: 86_400 }),
    /** How far the clock may step back before it is an anomaly. */
    clock_tolerance_seconds: Type.Integer({ minimum: 1, maximum: 3_600 }),
    /** Names of rules a reader must know to read this file; an unknown one refuses the file. */
    critical: Type.Array(Type.String({ pattern: KEY }), { maxItems: 64, uniqueItems: true }),
  },
  closed,
);

export type License = Static<typeof LicenseSchema>;
export type Namespace = "global" | "account" | "team";

/** Rules this reader knows beyond format 1. None yet. */
const knownCritical: ReadonlySet<string> = new Set();

/** Why a file is not a license, or not a revocation. Stable words: vectors, exit details and other readers use them. */
export type LicenseRefusal =
  | JwsRefusal
  | "bad_format"
  | "unknown_format"
  | "unknown_critical"
  | "bad_dates"
  | "bad_binding"
  | "wrong_purpose"
  | "trial_too_large"
  | "sequence_too_low";

/** Thrown when a file is refused. The message says what is wrong with it, for the operator. */
export class LicenseError extends Error {
  override readonly name = "LicenseError";
  readonly refusal: LicenseRefusal;

  constructor(refusal: LicenseRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.refusal = refusal;
  }
}

const licenseShape = shapeOf(LicenseSchema);

function shaped(payload: unknown): License {
  if (licenseShape.Check(payload)) return payload;
  const [first] = licenseShape.Errors(payload);
  throw new LicenseError("bad_format", `the content is not a license: ${first?.instancePath || "/"} ${first?.message ?? ""}`);
}

/** Reads `format` alone first, so that a file of a newer format is called that and not malformed. */
function refuseOtherFormat(payload: unknown): void {
  const format = typeof payload === "object" && payload !== null && "format" in payload ? payload.format : undefined;
  if (typeof format === "number" && format !== LICENSE_FORMAT) {
    throw new LicenseError("unknown_format", `the license has format ${format}; this build reads format ${LICENSE_FORMAT}`);
  }
}

function refuseUnknownCritical(license: License): void {
  const unknown = license.critical.find((name) => !knownCritical.has(name));
  if (unknown !== undefined) {
    throw new LicenseError("unknown_critical", `the license demands the rule ${unknown}, which this build does not know`);
  }
}

function refuseBadDates({ issued_at, not_before, expires_at }: License): void {
  if (not_before >= expires_at) throw new LicenseError("bad_dates", "the license ends before it begins");
  if (issued_at >= expires_at) throw new LicenseError("bad_dates", "the license was issued after its end");
}

function refuseBadBinding({ binding }: License): void {
  if (binding.kind === "host" && binding.required > binding.fingerprints.length) {
    throw new LicenseError("bad_binding", "the license demands more host parts than it lists");
  }
}

function refuseWrongPurpose(license: License, key: TrustedKey): void {
  const isTrial = license.template === "trial";
  if ((key.purpose === "trial") !== isTrial) {
    throw new LicenseError("wrong_purpose", `the key ${key.kid} may not sign a license of template ${license.template}`);
  }
  if (!isTrial && license.activation !== undefined) {
    throw new LicenseError("wrong_purpose", "only a trial license is counted from its activation");
  }
  const breach = isTrial ? trialBreach(license) : undefined;
  if (breach !== undefined) throw new LicenseError("trial_too_large", breach);
}

/** A license file holds the JWS and at most one line end: some editors and copies on removable media add it. */
function withoutLineEnd(file: string): string {
  return file.replace(/\r?\n$/, "");
}

/** One byte, one character: whatever is not ASCII is refused by the base64url decoder, not mended on the way. */
export function textOf(file: Uint8Array, bytesMax: number): string {
  if (file.length > bytesMax) throw new JwsError("too_large", `it is larger than ${bytesMax} bytes`);
  return withoutLineEnd(Buffer.from(file).toString("latin1"));
}

/** A license together with the key that vouches for it. */
export interface SignedLicense {
  readonly license: License;
  readonly key: TrustedKey;
}

function open(file: Uint8Array, keys: readonly TrustedKey[]): SignedLicense {
  const find = (kid: string) => keys.find((key) => key.kid === kid);
  const { kid, payload } = verifyJws(LICENSE_TYP, textOf(file, LICENSE_BYTES_MAX), find);
  const key = find(kid);
  if (key === undefined) throw new JwsError("unknown_key", "the key is not trusted here");
  refuseOtherFormat(payload);
  const license = shaped(payload);
  refuseUnknownCritical(license);
  refuseBadDates(license);
  refuseBadBinding(license);
  refuseWrongPurpose(license, key);
  return { license, key };
}

/**
 * Reads a license file: signature first, content after. Pure and in constant order, so that every reader names the
 * same refusal. `file` is the file's bytes; `keys` the trusted ones. Throws {@link LicenseError}.
 */
export function openLicense(file: Uint8Array, keys: readonly TrustedKey[]): SignedLicense {
  try {
    return open(file, keys);
  } catch (error) {
    if (!(error instanceof JwsError)) throw error;
    throw new LicenseError(error.refusal, `the file is not a valid license: ${error.message}`, { cause: error });
  }
}

/** The license in the file, for those who need not know which key signed it. Throws {@link LicenseError}. */
export function readLicense(file: Uint8Array, keys: readonly TrustedKey[]): License {
  return openLicense(file, keys).license;
}

/**
 * Refuses a license that is older than one seen before. `highest` is the highest sequence ever seen for the license's
 * own `deployment_id`, 0 when none was. The same sequence passes: it is the same file read again. Throws {@link LicenseError}.
 */
export function refuseLowerSequence(license: Pick<License, "deployment_id" | "sequence">, highest: number): void {
  if (license.sequence >= highest) return;
  throw new LicenseError(
    "sequence_too_low",
    `the license has sequence ${license.sequence}, but sequence ${highest} was seen for the deployment ${license.deployment_id}`,
  );
}
