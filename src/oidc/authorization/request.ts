/**
 * An authorization request that was found good, as it is stored: everything later is decided from here, never from the
 * browser again (CVE-2026-7571).
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { assert } from "../../fault.ts";
import { ClaimsParameterSchema } from "./claims-parameter.ts";

export const responseModes = ["query", "form_post"] as const;
export type ResponseMode = (typeof responseModes)[number];

export const prompts = ["none", "login", "consent", "select_account"] as const;
export type Prompt = (typeof prompts)[number];

const Text = Type.String();
const texts = Type.Array(Text);

const RequestSchema = Type.Object(
  {
    clientId: Text,
    redirectUri: Text,
    responseMode: Type.Union([Type.Literal("query"), Type.Literal("form_post")]),
    /** One space between; never empty. */
    scope: Text,
    resource: texts,
    prompt: Type.Array(Type.Union([Type.Literal("none"), Type.Literal("login"), Type.Literal("consent"), Type.Literal("select_account")])),
    state: Type.Optional(Text),
    nonce: Type.Optional(Text),
    /** S256 (RFC 7636 section 4.2); there is no other method here. */
    codeChallenge: Type.Optional(Text),
    maxAgeSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
    /** `sub` of a verified `id_token_hint`, or of the `claims` parameter: nobody else may sign in for this request. */
    subject: Type.Optional(Text),
    loginHint: Type.Optional(Text),
    uiLocales: Type.Optional(Text),
    claims: Type.Optional(ClaimsParameterSchema),
    /** Thumbprint that the code is bound to (RFC 9449 section 10). */
    dpopJkt: Type.Optional(Text),
  },
  { additionalProperties: false },
);

export type AuthorizationRequest = Readonly<Static<typeof RequestSchema>>;

/** In a client's place: the sign-in is for a page of the issuer's own. No client can have it, because of the colon. */
export const OWN_PAGE = "own:page";

export function isOwnPage({ clientId }: Pick<AuthorizationRequest, "clientId">): boolean {
  return clientId === OWN_PAGE;
}

const shape = shapeOf(RequestSchema);

/** Reads back what we stored. */
export function parseRequest(json: string): AuthorizationRequest {
  const request: unknown = JSON.parse(json);
  assert(shape.Check(request), "a stored authorization request is one of ours");
  return request;
}
