/**
 * The checks of WebAuthn level 3 sections 7.1 and 7.2: everything that the browser promised is looked at again here.
 *
 * Ours: type, origin as a whole, nothing inside a frame of another site, and the policies (algorithms, attestation). The
 * library's: the same again, CBOR, COSE, flags, the hash of the relying party's id, the signature.
 * Rule: pure but for loading the library, which takes some thirty milliseconds and is left to the first passkey. It must
 * not know people or challenges, only whether what was signed is what was asked.
 */
import { decodeBase64url, encodeBase64url } from "../../crypto/base64url.ts";
import { type AssertionAnswer, findCollected, type RegistrationAnswer } from "./answers.ts";
import type { RelyingParty } from "./relying-party.ts";

/** ES256, EdDSA, and RS256 for the authenticators of older Windows (COSE algorithm numbers). */
export const algorithms: readonly number[] = [-7, -8, -257];

export interface NewPasskey {
  readonly credentialId: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly algorithm: number;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly isSynced: boolean;
}

export interface KnownPasskey {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly algorithm: number;
}

export interface Signed {
  readonly counter: number;
  readonly isUserVerified: boolean;
}

/** Whom an answer has to be for. */
interface Expected {
  readonly party: RelyingParty;
  readonly isVerificationNeeded: boolean;
}

async function loadLibrary() {
  // First, because the order of modules is lost when they are bundled, and one of its parts wants this to be there.
  await import("reflect-metadata");
  const [server, helpers] = await Promise.all([import("@simplewebauthn/server"), import("@simplewebauthn/server/helpers")]);
  return { ...server, decodeAttestationObject: helpers.decodeAttestationObject, decodeCredentialPublicKey: helpers.decodeCredentialPublicKey };
}

/** The challenge that was answered, when the rest of the client data is as it has to be. */
export function findChallenge(clientDataJSON: string, type: "webauthn.create" | "webauthn.get", { origins }: RelyingParty): string | undefined {
  const data = findCollected(clientDataJSON);
  if (data === undefined || data.type !== type || !origins.includes(data.origin) || data.crossOrigin === true || data.topOrigin !== undefined) return undefined;
  return data.challenge;
}

/**
 * No attestation is asked for, so none is taken: who made an authenticator is nobody's business here, and readers of
 * foreign certificates stay unused. Section 8.7: `none` has an empty statement.
 */
async function isUnattested(attestationObject: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const { decodeAttestationObject } = await loadLibrary();
  const decoded = decodeAttestationObject(attestationObject);
  return decoded.get("fmt") === "none" && decoded.get("attStmt").size === 0;
}

/** The library refuses by throwing, whatever is wrong; a refusal is all that anybody is told. */
async function orUndefined<T>(check: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await check();
  } catch {
    return undefined;
  }
}

/** COSE label of the algorithm (RFC 9052 section 7.1). */
const ALG = 3;

async function algorithmOf(publicKey: Uint8Array<ArrayBuffer>): Promise<number | undefined> {
  const { decodeCredentialPublicKey } = await loadLibrary();
  const key = decodeCredentialPublicKey(publicKey);
  return key.get(ALG);
}

/** The new passkey; undefined when the answer is not good. `challenge` is the one in it, whose worth is the caller's to judge. */
export async function verifyRegistration(answer: RegistrationAnswer, { party }: Pick<Expected, "party">): Promise<{ readonly challenge: string; readonly passkey: NewPasskey } | undefined> {
  const { clientDataJSON, attestationObject, transports = [] } = answer.response;
  const challenge = findChallenge(clientDataJSON, "webauthn.create", party);
  const attested = decodeBase64url(attestationObject);
  if (challenge === undefined || attested === undefined) return undefined;
  return await orUndefined(async () => {
    if (!(await isUnattested(attested))) return undefined;
    const { verifyRegistrationResponse } = await loadLibrary();
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { id: answer.id, rawId: answer.rawId, type: answer.type, response: { clientDataJSON, attestationObject }, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserPresence: true,
      requireUserVerification: false,
      supportedAlgorithmIDs: [...algorithms],
    });
    if (!verified || registrationInfo === undefined || registrationInfo.credential.id !== answer.id) return undefined;
    const { credential, credentialDeviceType } = registrationInfo;
    const algorithm = await algorithmOf(credential.publicKey);
    if (algorithm === undefined) return undefined;
    const publicKey = encodeBase64url(credential.publicKey);
    return { challenge, passkey: { credentialId: credential.id, publicKey, algorithm, counter: credential.counter, transports, isSynced: credentialDeviceType === "multiDevice" } };
  });
}

/** What the passkey signed; undefined when it did not, or not for us, or without what is needed of the person. */
export async function verifyAssertion(answer: AssertionAnswer, passkey: KnownPasskey, { party, isVerificationNeeded }: Expected): Promise<Signed | undefined> {
  const { clientDataJSON, authenticatorData, signature } = answer.response;
  const challenge = findChallenge(clientDataJSON, "webauthn.get", party);
  const publicKey = decodeBase64url(passkey.publicKey);
  if (challenge === undefined || publicKey === undefined || answer.id !== passkey.credentialId || !algorithms.includes(passkey.algorithm)) return undefined;
  return await orUndefined(async () => {
    const { verifyAuthenticationResponse } = await loadLibrary();
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { id: answer.id, rawId: answer.rawId, type: answer.type, response: { clientDataJSON, authenticatorData, signature }, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: isVerificationNeeded,
      // Its counter is compared where it is stored, in the statement that moves it on.
      credential: { id: passkey.credentialId, publicKey, counter: 0 },
    });
    return verified ? { counter: authenticationInfo.newCounter, isUserVerified: authenticationInfo.userVerified } : undefined;
  });
}
