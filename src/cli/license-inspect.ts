/** `cyberun license inspect`: what a file of the vendor says, and whether this build accepts it. Needs no server and no store. */
import { Fault } from "../fault.ts";
import { LICENSE_BYTES_MAX, LicenseError } from "../license/document.ts";
import { trustedKeys } from "../license/trust.ts";
import { openVendorFile, type VendorFile } from "../license/vendor-file.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { datesAt, licenseLines, revocationLines } from "./license-text.ts";

/** The license or revocation in the file at `path`. Throws Fault `invalid_license` with the refusal's stable word when it is no good. */
export function readVendorFile(path: string): VendorFile & { readonly bytes: Buffer } {
  const bytes = readNamedFile(path, LICENSE_BYTES_MAX);
  try {
    return { ...openVendorFile(bytes, trustedKeys), bytes };
  } catch (cause) {
    if (!(cause instanceof LicenseError)) throw cause;
    throw new Fault("invalid_license", `This build does not accept ${path}: ${cause.message}.`, {
      hint: "Compare the file with what the vendor sent, and ask the vendor which build it was signed for.",
      details: { refusal: cause.refusal },
      cause,
    });
  }
}

export async function licenseInspect({ operands: [path = ""], services }: Context): Promise<Result> {
  const file = readVendorFile(path);
  if (file.kind === "revocation") {
    const { revocation, key } = file;
    return { data: { revocation, signed_by: { kid: key.kid, purpose: key.purpose } }, text: revocationLines(file).join("\n") };
  }
  const { license, key } = file;
  const now = Math.floor(services.clock.now() / 1_000);
  return {
    data: { license, signed_by: { kid: key.kid, purpose: key.purpose }, dates: datesAt(license, now) },
    text: licenseLines({ license, key }, now).join("\n"),
  };
}
