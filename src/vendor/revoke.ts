/**
 * `revoke`: ends a license before its time, by a second signed file for the same deployment.
 *
 * Rule: its place is right after the license: the next sequence. A renewal made after it takes the same sequence, is issued
 * later, and opens again.
 */
import { resolve } from "node:path";
import { signJws } from "../crypto/jws.ts";
import { openLicense } from "../license/document.ts";
import { openRevocation, type Revocation, REVOCATION_FORMAT, REVOCATION_TYP, type SignedRevocation } from "../license/revocation.ts";
import { type Answer, type Command, nowSeconds, shownInstant } from "./command.ts";
import { loadTrustedKeys } from "./key-files.ts";
import { checked, keyFor, keyOptions, openFile, writeVerified } from "./signing.ts";

/** The revocation as lines for people. Pure. */
export function shownRevocation({ revocation, key }: SignedRevocation): string {
  return [
    `revocation  ${revocation.revocation_id} (format ${revocation.format})`,
    `revokes     ${revocation.license_id} and every earlier license of its deployment`,
    `deployment  ${revocation.deployment_id}, sequence ${revocation.sequence}`,
    `issued      ${shownInstant(revocation.issued_at)}`,
    `reason      ${revocation.reason}`,
    `signed by   ${key.kid} (${key.purpose}): the signature is good`,
  ].join("\n");
}

function answer(path: string, signed: SignedRevocation): Answer {
  const { revocation_id, license_id, deployment_id, sequence, issued_at, reason } = signed.revocation;
  return {
    json: { file: path, kid: signed.key.kid, revocation_id, license_id, deployment_id, sequence, issued_at, reason },
    text: [`wrote       ${path}; read back and verified`, shownRevocation(signed)].join("\n"),
  };
}

export const revoke: Command = {
  name: "revoke",
  summary: "Revoke a license: sign the file that ends it where it is installed.",
  operands: ["LICENSE"],
  options: {
    reason: { kind: "value", placeholder: "TEXT", default: "No reason was given.", says: "one line of at most 200 characters; everybody at the deployment can read it" },
    "revocation-id": { kind: "value", placeholder: "ID", says: "name of this very revocation (default: a new UUID)" },
    out: { kind: "value", placeholder: "FILE", says: "the file to write (default: DEPLOYMENT-SEQUENCE.revocation)" },
    ...keyOptions,
  },
  notes: [
    "LICENSE is the newest license that was issued for the deployment. The customer installs the file as a license is installed.",
    "To open again, sign --renew LICENSE afterwards: of the same sequence, what was issued later counts.",
  ],
  run(desk, given): Answer {
    given.mistakes.refuse();
    const trusted = loadTrustedKeys(resolve(desk.directory, given.value("keys-dir") ?? ""));
    const { license } = openFile(resolve(desk.directory, given.operands[0] ?? ""), (file) => openLicense(file, trusted));
    const payload: Revocation = {
      format: REVOCATION_FORMAT,
      revocation_id: given.value("revocation-id") ?? desk.services.random.uuid(),
      deployment_id: license.deployment_id,
      license_id: license.license_id,
      sequence: license.sequence + 1,
      issued_at: nowSeconds(desk),
      reason: given.value("reason") ?? "",
    };
    const text = `${signJws(REVOCATION_TYP, keyFor(desk, given, { purpose: "license", trusted }), payload)}\n`;
    const read = (file: Uint8Array) => openRevocation(file, trusted);
    checked(Buffer.from(text), read);
    const path = resolve(desk.directory, given.value("out") ?? `${payload.deployment_id}-${payload.sequence}.revocation`);
    return answer(path, writeVerified(path, text, read));
  },
};
