/**
 * What an authenticator answers, as browsers write it down (WebAuthn level 3 sections 5.1.8 and 5.1.9), read strictly.
 *
 * Rule: nothing of it is believed here; it is only brought into shape. Members that browsers add are let be.
 */
import { Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { decodeBase64url } from "../../crypto/base64url.ts";
import { parseStrictJson, StrictJsonError } from "../../crypto/strict-json.ts";
import { invalidField } from "../../fault.ts";

/** Section 6.5.1: a credential id has at most 1023 bytes. */
const ID_CHARACTERS_MAX = 1_364;
const base64url = (maxLength: number) => Type.String({ pattern: "^[A-Za-z0-9_-]+$", minLength: 1, maxLength });

const head = { id: base64url(ID_CHARACTERS_MAX), rawId: base64url(ID_CHARACTERS_MAX), type: Type.Literal("public-key") };

const RegistrationSchema = Type.Object({
  ...head,
  response: Type.Object({
    clientDataJSON: base64url(8_192),
    attestationObject: base64url(32_768),
    transports: Type.Optional(Type.Array(Type.String({ pattern: "^[a-z-]{1,32}$" }), { maxItems: 10 })),
  }),
});
const AssertionSchema = Type.Object({
  ...head,
  response: Type.Object({
    clientDataJSON: base64url(8_192),
    authenticatorData: base64url(8_192),
    signature: base64url(4_096),
    userHandle: Type.Optional(Type.Union([base64url(128), Type.Null(), Type.Literal("")])),
  }),
});
const ClientDataSchema = Type.Object({ type: Type.String(), challenge: Type.String(), origin: Type.String(), crossOrigin: Type.Optional(Type.Boolean()), topOrigin: Type.Optional(Type.String()) });

export type RegistrationAnswer = Type.Static<typeof RegistrationSchema>;
export type AssertionAnswer = Type.Static<typeof AssertionSchema>;
/** CollectedClientData of section 5.8.1. */
type Collected = Type.Static<typeof ClientDataSchema>;

const registrationShape = shapeOf(RegistrationSchema);
const assertionShape = shapeOf(AssertionSchema);
const clientDataShape = shapeOf(ClientDataSchema);

/** JSON, or a text that is JSON, as a form has it. */
function valueOf(given: unknown): unknown {
  if (typeof given !== "string") return given;
  try {
    return JSON.parse(given);
  } catch {
    return undefined;
  }
}

/** Throws Fault `invalid_request` naming `field`. */
export function requireRegistration(field: string, given: unknown): RegistrationAnswer {
  const value = valueOf(given);
  if (registrationShape.Check(value) && value.id === value.rawId) return value;
  throw invalidField(field, "is not what a browser makes of a new passkey (PublicKeyCredential.toJSON)");
}

/** Throws Fault `invalid_request` naming `field`. */
export function requireAssertion(field: string, given: unknown): AssertionAnswer {
  const value = valueOf(given);
  if (assertionShape.Check(value) && value.id === value.rawId) return value;
  throw invalidField(field, "is not what a browser makes of a passkey's answer (PublicKeyCredential.toJSON)");
}

/** What the browser says it showed to the authenticator; undefined when it cannot be read in one way only. */
export function findCollected(clientDataJSON: string): Collected | undefined {
  const bytes = decodeBase64url(clientDataJSON);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = parseStrictJson(bytes);
    return clientDataShape.Check(value) ? value : undefined;
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}
