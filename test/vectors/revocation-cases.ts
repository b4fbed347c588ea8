/** Vectors on revocations. What a license file and a revocation share is tried here as well, more briefly. */
import { base64url, type Case, flipped, goodHeader, license, licenseKey, type Members, partsOf, publicKey, reference, sealed, strangeKey, trialKey, trusted } from "./license-builder.ts";

const TYP = "cyberun-revocation+jws";

/** The reference payload: everything in it is good. It ends the reference license. */
export const referenceRevocation = {
  format: 1,
  revocation_id: "vector-revocation-0001",
  deployment_id: "example-plant-1",
  license_id: "vector-0001",
  sequence: 8,
  issued_at: 1_760_000_000,
  reason: "The contract has ended.",
} as const;

export function revocationHeader(members: Members = {}, key = licenseKey): string {
  return JSON.stringify({ alg: "EdDSA", kid: key.kid, typ: TYP, ...members });
}

/** A revocation with these members instead of the reference's; an undefined one is left out. */
export function revocation(members: Members = {}, key = licenseKey): string {
  return sealed(revocationHeader({}, key), JSON.stringify({ ...referenceRevocation, ...members }), key);
}

const good = revocation();
const [header, payload, signature] = partsOf(good);
const text = JSON.stringify(referenceRevocation);
const underHeader = (members: Members) => sealed(revocationHeader(members), text);
const ofContent = (content: string | Uint8Array) => sealed(revocationHeader(), content);

/** A good revocation of exactly `bytes` bytes: white space in the content is signed like everything else. */
function ofLength(bytes: number): string {
  for (let spaces = 0; spaces < 4_000; spaces++) {
    for (const end of ["", "\n", "\r\n"]) {
      const file = ofContent(text + " ".repeat(spaces)) + end;
      if (file.length === bytes) return file;
    }
  }
  throw new Error(`no filler gives ${bytes} bytes`);
}

export const revocationEnvelopeCases: readonly Case[] = [
  { name: "the reference revocation", about: "everything is as it should be", expect: "ok", file: good },
  { name: "with a line end", about: "editors and copies add one", expect: "ok", file: `${good}\n` },
  { name: "with a carriage return and line end", about: "so do other systems", expect: "ok", file: `${good}\r\n` },
  { name: "two line ends", about: "one at most", expect: "malformed", file: `${good}\n\n` },
  { name: "exactly as large as a file may be", about: "4,096 bytes", expect: "ok", file: ofLength(4_096) },
  { name: "one byte too large", about: "refused before anything is decoded; a license may be larger, a revocation may not", expect: "too_large", file: ofLength(4_097) },
  { name: "empty", about: "nothing", expect: "malformed", file: "" },
  { name: "truncated", about: "a broken copy", expect: "malformed", file: good.slice(0, -20) },
  { name: "a license", about: "a license is not read as its own revocation", expect: "wrong_type", file: license() },
  { name: "a license's content under this typ", about: "signed by the right key, and still no revocation", expect: "bad_format", file: ofContent(JSON.stringify(reference)) },
  { name: "a revocation's content under the typ of a license", about: "a signature for one kind of document serves no other", expect: "wrong_type", file: sealed(goodHeader(), text) },
  { name: "the signature of a license over it", about: "a signature cannot be moved", expect: "bad_signature", file: `${header}.${payload}.${partsOf(license())[2]}` },
  { name: "under the header of a license", about: "the header is signed too", expect: "wrong_type", file: `${partsOf(license())[0]}.${payload}.${signature}` },
  { name: "typ is missing", about: "documents of other kinds are signed too", expect: "wrong_type", file: underHeader({ typ: undefined }) },
  { name: "typ in upper case", about: "compared byte by byte", expect: "wrong_type", file: underHeader({ typ: TYP.toUpperCase() }) },
  { name: "typ of a lease", about: "a signature for one kind of document serves no other", expect: "wrong_type", file: underHeader({ typ: "cyberun-lease+jws" }) },
  { name: "alg none without a signature", about: "the oldest trick", expect: "wrong_algorithm", file: `${base64url(revocationHeader({ alg: "none" }))}.${payload}.` },
  { name: "alg HS256", about: "algorithm confusion", expect: "wrong_algorithm", file: underHeader({ alg: "HS256" }) },
  { name: "kid is missing", about: "no key is tried at random", expect: "malformed", file: underHeader({ kid: undefined }) },
  { name: "header with crit", about: "a closed header has no extensions", expect: "malformed", file: underHeader({ crit: ["exp"], exp: 1 }) },
  { name: "header with jwk", about: "a file that brings its own key", expect: "malformed", file: underHeader({ jwk: { kty: "OKP", crv: "Ed25519", x: trusted[0]?.x } }) },
  { name: "typ is repeated, good one last", about: "two readers would see two kinds of document", expect: "malformed", file: sealed(`{"typ":"cyberun-license+jws",${revocationHeader().slice(1)}`, text) },
  { name: "signed by a stranger under its own kid", about: "anybody could shut a deployment", expect: "unknown_key", file: revocation({}, strangeKey) },
  { name: "signed by a stranger under a trusted kid", about: "the kid chooses the key, the signature has to fit it", expect: "bad_signature", file: sealed(revocationHeader(), text, strangeKey) },
  { name: "signed by the trial key", about: "the trial key is widely used and weakly guarded; it shuts nobody", expect: "wrong_purpose", file: revocation({}, trialKey) },
  { name: "of a trial, signed by the trial key", about: "not even a trial", expect: "wrong_purpose", file: revocation({ license_id: "vector-trial" }, trialKey) },
  { name: "the key's purpose was changed in the build", about: "the purpose comes from the trusted key", expect: "wrong_purpose", file: good, keys: [publicKey(licenseKey, "trial")] },
  { name: "no key is trusted", about: "an empty set trusts nobody", expect: "unknown_key", file: good, keys: [] },
  { name: "flip in the header", about: "one bit", expect: "malformed", file: flipped(good, 0, 0) },
  { name: "flip in the kid", about: "another key is named", expect: "unknown_key", file: flipped(good, 40, 0) },
  { name: "flip in the payload", about: "one bit of content", expect: "bad_signature", file: flipped(good, header.length + 60, 0) },
  { name: "flip in the signature", about: "one bit", expect: "bad_signature", file: flipped(good, good.length - 40, 1) },
  { name: "flip of an unused bit of the last character", about: "a second spelling of the same bytes", expect: "malformed", file: flipped(good, good.length - 1, 0) },
  { name: "payload of another revocation", about: "a payload cannot be moved", expect: "bad_signature", file: `${header}.${partsOf(revocation({ sequence: 9 }))[1]}.${signature}` },
];

export const revocationContentCases: readonly Case[] = [
  { name: "format 2", about: "a newer format is called that", expect: "unknown_format", file: revocation({ format: 2 }) },
  { name: "format 2 with members of tomorrow", about: "format is looked at first", expect: "unknown_format", file: revocation({ format: 2, scope: "all" }) },
  { name: "format as text", about: "a whole number", expect: "bad_format", file: revocation({ format: "1" }) },
  { name: "format is missing", about: "no default", expect: "bad_format", file: revocation({ format: undefined }) },
  { name: "an unknown member", about: "closed objects", expect: "bad_format", file: revocation({ critical: [] }) },
  { name: "a repeated member, good one last", about: "two readers would see two sequences", expect: "malformed", file: ofContent(`{"sequence":99,${text.slice(1)}`) },
  { name: "a repeated member through an escape", about: "\\u0073equence is sequence", expect: "malformed", file: ofContent(`{"\\u0073equence":99,${text.slice(1)}`) },
  { name: "a member __proto__", about: "not a member but a door in some languages", expect: "malformed", file: ofContent(`{"__proto__":{},${text.slice(1)}`) },
  { name: "content is a list", about: "an object", expect: "bad_format", file: ofContent(`[${text}]`) },
  { name: "content is not JSON", about: "a word", expect: "malformed", file: ofContent("revoked") },
  { name: "content with a byte order mark", about: "strict JSON", expect: "malformed", file: ofContent(Buffer.concat([Buffer.from("efbbbf", "hex"), Buffer.from(text)])) },
  { name: "revocation_id is missing", about: "no default", expect: "bad_format", file: revocation({ revocation_id: undefined }) },
  { name: "revocation_id with a slash", about: "identifiers name files and rows", expect: "bad_format", file: revocation({ revocation_id: "../up" }) },
  { name: "deployment_id is missing", about: "nothing is revoked everywhere", expect: "bad_format", file: revocation({ deployment_id: undefined }) },
  { name: "deployment_id is a star", about: "nothing is revoked everywhere", expect: "bad_format", file: revocation({ deployment_id: "*" }) },
  { name: "deployment_id of 129 characters", about: "128 at most", expect: "bad_format", file: revocation({ deployment_id: "d".repeat(129) }) },
  { name: "license_id is missing", about: "no default", expect: "bad_format", file: revocation({ license_id: undefined }) },
  { name: "license_id is null", about: "an identifier", expect: "bad_format", file: revocation({ license_id: null }) },
  { name: "sequence is missing", about: "no default", expect: "bad_format", file: revocation({ sequence: undefined }) },
  { name: "sequence 1", about: "that of a license plus one is at least 2", expect: "bad_format", file: revocation({ sequence: 1 }) },
  { name: "sequence 2", about: "the bound itself", expect: "ok", file: revocation({ sequence: 2 }) },
  { name: "sequence as text", about: "a whole number", expect: "bad_format", file: revocation({ sequence: "8" }) },
  { name: "sequence of 2^53", about: "beyond what every reader can count", expect: "malformed", file: ofContent(text.replace('"sequence":8', '"sequence":9007199254740992')) },
  { name: "sequence as 8.0", about: "plain digits", expect: "malformed", file: ofContent(text.replace('"sequence":8', '"sequence":8.0')) },
  { name: "issued_at is missing", about: "no default", expect: "bad_format", file: revocation({ issued_at: undefined }) },
  { name: "issued_at in milliseconds", about: "seconds are meant; year 9999 is the last", expect: "bad_format", file: revocation({ issued_at: 1_760_000_000_000 }) },
  { name: "issued_at as a date", about: "epoch seconds", expect: "bad_format", file: revocation({ issued_at: "2025-10-09" }) },
  { name: "issued_at before 1970", about: "epoch seconds", expect: "bad_format", file: revocation({ issued_at: -1 }) },
  { name: "issued at 0", about: "the bound itself", expect: "ok", file: revocation({ issued_at: 0 }) },
  { name: "issued in the last second of 9999", about: "the bound itself; no clock is asked", expect: "ok", file: revocation({ issued_at: 253_402_300_799 }) },
  { name: "reason is missing", about: "no default", expect: "bad_format", file: revocation({ reason: undefined }) },
  { name: "reason is empty", about: "one character at least", expect: "bad_format", file: revocation({ reason: "" }) },
  { name: "reason with a control character", about: "it would act on the terminal that shows it", expect: "bad_format", file: revocation({ reason: "Ended\u001b[2J" }) },
  { name: "reason with a line end", about: "one line", expect: "bad_format", file: revocation({ reason: "Ended.\nCall us." }) },
  { name: "reason of 200 characters", about: "200 code points, 800 bytes", expect: "ok", file: revocation({ reason: "😀".repeat(200) }) },
  { name: "reason of 201 characters", about: "200 at most, counted in code points", expect: "bad_format", file: revocation({ reason: "😀".repeat(201) }) },
  { name: "reason with a lone surrogate", about: "not a character", expect: "malformed", file: ofContent(text.replace("ended", "\\ud800")) },
];

const seen = (sequence: number) => ({ "example-plant-1": sequence });

export const revocationSequenceCases: readonly Case[] = [
  { name: "above the license in force", about: "as the desk makes it", expect: "ok", highest_sequence: seen(7), file: revocation() },
  { name: "the same sequence again", about: "read at every start; which of one sequence counts is settled by their dates", expect: "ok", highest_sequence: seen(8), file: revocation() },
  { name: "below the license in force", about: "a renewal has answered it; it is not brought back", expect: "sequence_too_low", highest_sequence: seen(9), file: revocation() },
  { name: "far below", about: "numbers are compared, not texts", expect: "sequence_too_low", highest_sequence: seen(10), file: revocation() },
  { name: "another deployment's sequence", about: "each deployment counts by itself", expect: "ok", highest_sequence: { "example-plant-2": 99 }, file: revocation() },
  { name: "a lower sequence by the trial key", about: "the purpose is looked at first", expect: "wrong_purpose", highest_sequence: seen(99), file: revocation({}, trialKey) },
];
