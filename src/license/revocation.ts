/**
 * The revocation: the vendor's signed word that a deployment's license has ended before its time.
 *
 * It is a second kind of document beside the license, with a `typ` of its own, so that neither can pass for the other.
 * Licenses and revocations of one deployment stand in one order, by sequence and then by time of issue. A revocation ends
 * every license of its deployment that does not stand after it; a license that does is a renewal and opens again. What
 * counts in the end therefore never depends on the order in which files arrive.
 *
 * Rule: pure, like `document.ts`. No clock is asked: a revocation holds whatever the host's clock says.
 * The format is published in `docs/license-format.md`; the vectors in `test/vectors/revocation` hold for every reader.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { JwsError, verifyJws } from "../crypto/jws.ts";
import { Instant, type License, LicenseError, Name, textOf, Token, type TrustedKey } from "./document.ts";

export const REVOCATION_TYP = "cyberun-revocation+jws";
export const REVOCATION_FORMAT = 1;
/** Bytes of a revocation file, line end included. The largest good one has about 2,200. */
export const REVOCATION_BYTES_MAX = 4_096;

export const RevocationSchema = Type.Object(
  {
    format: Type.Integer({ minimum: 1 }),
    revocation_id: Token,
    deployment_id: Token,
    /** The license that was revoked at the desk. For people: which licenses have ended follows from deployment and order. */
    license_id: Token,
    /** That of the revoked license plus one, so never the first. */
    sequence: Type.Integer({ minimum: 2 }),
    issued_at: Instant,
    /** Why. Public: status, answers and the audit log repeat it. */
    reason: Name,
  },
  { additionalProperties: false },
);
export type Revocation = Static<typeof RevocationSchema>;

const revocationShape = shapeOf(RevocationSchema);

function shaped(payload: unknown): Revocation {
  if (revocationShape.Check(payload)) return payload;
  const [first] = revocationShape.Errors(payload);
  throw new LicenseError("bad_format", `the content is not a revocation: ${first?.instancePath || "/"} ${first?.message ?? ""}`);
}

function refuseOtherFormat(payload: unknown): void {
  const format = typeof payload === "object" && payload !== null && "format" in payload ? payload.format : undefined;
  if (typeof format === "number" && format !== REVOCATION_FORMAT) {
    throw new LicenseError("unknown_format", `the revocation has format ${format}; this build reads format ${REVOCATION_FORMAT}`);
  }
}

/** A revocation together with the key that vouches for it. */
export interface SignedRevocation {
  readonly revocation: Revocation;
  readonly key: TrustedKey;
}

function open(file: Uint8Array, keys: readonly TrustedKey[]): SignedRevocation {
  const find = (kid: string) => keys.find((key) => key.kid === kid);
  const { kid, payload } = verifyJws(REVOCATION_TYP, textOf(file, REVOCATION_BYTES_MAX), find);
  const key = find(kid);
  if (key === undefined) throw new JwsError("unknown_key", "the key is not trusted here");
  refuseOtherFormat(payload);
  const revocation = shaped(payload);
  // The trial key is widely used and weakly guarded; it must not be able to shut a customer's deployment.
  if (key.purpose !== "license") throw new LicenseError("wrong_purpose", `the key ${key.kid} may not sign a revocation`);
  return { revocation, key };
}

/**
 * Reads a revocation file: signature first, content after, in constant order. `file` is the file's bytes; `keys` the
 * trusted ones. Throws {@link LicenseError} with one of the words of the format page.
 */
export function openRevocation(file: Uint8Array, keys: readonly TrustedKey[]): SignedRevocation {
  try {
    return open(file, keys);
  } catch (error) {
    if (!(error instanceof JwsError)) throw error;
    throw new LicenseError(error.refusal, `the file is not a valid revocation: ${error.message}`, { cause: error });
  }
}

/** A signed document's place in the order of its deployment. */
type Place = Pick<License, "sequence" | "issued_at">;

/** Whether `one` stands after `other`; at the same place neither does. */
export function isLater(one: Place, other: Place): boolean {
  return one.sequence === other.sequence ? one.issued_at > other.issued_at : one.sequence > other.sequence;
}

/** Whether `revocation` ends `license`. At the same place it does: in doubt nothing is open. */
export function revokes(revocation: Revocation, license: Place & Pick<License, "deployment_id">): boolean {
  return revocation.deployment_id === license.deployment_id && !isLater(license, revocation);
}

/** The sentence for people: who revoked what, when and why. */
export function revocationReason({ license_id, issued_at, reason }: Revocation): string {
  return `The vendor revoked the license ${license_id} at ${new Date(issued_at * 1_000).toISOString()}: ${reason}`;
}
