/**
 * Why a release is refused: a closed set of words, so that scripts can tell them apart.
 *
 * Rule: every refusal of a release's bytes is made here. `docs/releases.md` has the table.
 */
import { Fault } from "../fault.ts";

const refusals = {
  no_roots: ["This build trusts no root key, so no release can be verified.", "Use an executable that its vendor has built with root keys (cyberun-vendor release-keys create-root)."],
  not_a_release: ["This is not a release of this product.", "Name the .tar file or the unpacked folder of a release."],
  truncated: ["The release is cut short: its end is missing.", "Copy it again from where you got it."],
  bad_key_list: ["The list of release keys is not signed by a root key that this build trusts.", "Get the release from its vendor again; do not use this one."],
  unknown_key: ["The release is signed by a key that its list of release keys does not hold.", "Get the release from its vendor again; do not use this one."],
  revoked_key: ["The release is signed by a key that its vendor has revoked.", "Ask the vendor for a newer release; do not use this one."],
  bad_signature: ["The signature of the release does not fit its manifest.", "Get the release from its vendor again; do not use this one."],
  bad_manifest: ["The manifest of the release cannot be read by this build.", "Upgrade step by step: first to a release that this build knows."],
  tampered: ["A file of the release is not the one that was signed.", "Get the release from its vendor again; do not use this one."],
} as const satisfies Record<string, readonly [message: string, hint: string]>;

export type ReleaseRefusal = keyof typeof refusals;

/** The refusal; `what` says more, in one sentence. */
export function releaseFault(refusal: ReleaseRefusal, what?: string): Fault {
  const [message, hint] = refusals[refusal];
  return new Fault(refusal === "not_a_release" ? "invalid_request" : "conflict", what === undefined ? message : `${message} ${what}`, { hint, details: { refusal } });
}
