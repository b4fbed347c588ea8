/**
 * What a vendor sends: a license or a revocation, through the same doors.
 *
 * Rule: pure. The kind is settled by the signed header alone, and each kind by its own reader; a file that is neither is
 * refused as the license it was handed in for.
 */
import { LicenseError, openLicense, type SignedLicense, type TrustedKey } from "./document.ts";
import { openRevocation, type SignedRevocation } from "./revocation.ts";

export type VendorFile = ({ readonly kind: "license" } & SignedLicense) | ({ readonly kind: "revocation" } & SignedRevocation);

function isOfAnotherType(error: unknown): boolean {
  return error instanceof LicenseError && error.refusal === "wrong_type";
}

function openAsRevocation(file: Uint8Array, keys: readonly TrustedKey[], notALicense: unknown): VendorFile {
  try {
    return { kind: "revocation", ...openRevocation(file, keys) };
  } catch (error) {
    throw isOfAnotherType(error) ? notALicense : error;
  }
}

/** Reads the file as what its header says it is. Throws {@link LicenseError}. */
export function openVendorFile(file: Uint8Array, keys: readonly TrustedKey[]): VendorFile {
  try {
    return { kind: "license", ...openLicense(file, keys) };
  } catch (error) {
    if (!isOfAnotherType(error)) throw error;
    return openAsRevocation(file, keys, error);
  }
}
