/**
 * The dashboard's sign-in through the issuer: authorization code with PKCE (RFC 6749 section 4.1, RFC 7636) and an ID token
 * (OpenID Connect Core 1.0 section 3.1), by a client of the platform's own.
 *
 *     verifier (cookie) ── challenge, state, nonce → issuer ── code → token endpoint ── ID token → session of the dashboard
 *
 * State and nonce are made of the verifier, each in its own way, so that one cookie holds all that the way back is judged by.
 *
 * Rule: the browser sees no token. A session is made for what this deployment's own key has signed, for this client and
 * this sign-in alone; how the person proved who they are the issuer has judged, second factor included.
 */
import { createHash } from "node:crypto";
import { Type } from "typebox";
import { isSameSecret } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import { procedure } from "../gate/operation.ts";
import { type HeldSession, insertSession } from "../identity/sessions.ts";
import { isUsableAccount } from "../identity/upstream/admission.ts";
import { findJson } from "../json.ts";
import type { Fetch } from "../services.ts";
import type { Settings } from "../settings.ts";
import { shapeOf } from "../shape.ts";
import { endpoints, endpointUrl } from "./endpoints.ts";
import { verifyJwt } from "./jwt.ts";
import type { Keyring } from "./keyring.ts";

export const DASHBOARD_CLIENT = "cyberun-dashboard";
/** Below the dashboard's address. */
export const CALLBACK_PATH = "/sign-in/issuer/callback";

type Addresses = Pick<Settings, "issuerUrl" | "publicUrl">;

/** What the issuer knows of the dashboard. */
export function dashboardMetadata(publicUrl: string) {
  return { client_name: "Dashboard", redirect_uris: [`${publicUrl}${CALLBACK_PATH}`], post_logout_redirect_uris: [`${publicUrl}/sign-in`], token_endpoint_auth_method: "none" };
}

function derived(use: "challenge" | "nonce" | "state", verifier: string): string {
  // The challenge is as RFC 7636 section 4.2 has it; the others must not be told from it.
  return createHash("sha256").update(use === "challenge" ? verifier : `${use} ${verifier}`).digest("base64url");
}

/** Where the browser goes to sign in. */
export function authorizationUrl({ issuerUrl, publicUrl }: Addresses, verifier: string): string {
  const query = new URLSearchParams({
    client_id: DASHBOARD_CLIENT,
    redirect_uri: `${publicUrl}${CALLBACK_PATH}`,
    response_type: "code",
    scope: "openid",
    state: derived("state", verifier),
    nonce: derived("nonce", verifier),
    code_challenge: derived("challenge", verifier),
    code_challenge_method: "S256",
  });
  return `${endpointUrl(issuerUrl, "authorization")}?${query.toString()}`;
}

/** Where the browser goes to end the sign-in at the issuer too. */
export function signOutUrl({ issuerUrl, publicUrl }: Addresses): string {
  const query = new URLSearchParams({ client_id: DASHBOARD_CLIENT, post_logout_redirect_uri: `${publicUrl}/sign-in` });
  return `${endpointUrl(issuerUrl, "end_session")}?${query.toString()}`;
}

function overFault(cause?: unknown): Fault {
  return new Fault("gone", "This sign-in is over, was begun in another browser, or is not this deployment's.", { hint: "Sign in again.", cause });
}

/** What came back in the browser's address. */
export interface Returned {
  readonly code?: string | undefined;
  readonly state?: string | undefined;
  /** The issuer that answers (RFC 9207). */
  readonly iss?: string | undefined;
  readonly error?: string | undefined;
}

/** The code, when the answer is one to this browser's question. Throws Fault `gone`. */
export function requireCode({ issuerUrl }: Addresses, { code, state, iss, error }: Returned, verifier: string | undefined): { readonly code: string; readonly verifier: string } {
  if (verifier === undefined || state === undefined || !isSameSecret(state, derived("state", verifier))) throw overFault();
  if (iss !== issuerUrl) throw overFault();
  if (error !== undefined || code === undefined) throw new Fault("gone", "The issuer did not sign you in.", { hint: "Sign in again, and finish it there." });
  return { code, verifier };
}

const answerShape = shapeOf(Type.Object({ id_token: Type.String({ maxLength: 8_192 }) }));
const ANSWER_MS_MAX = 10_000;

export interface Exchange {
  readonly code: string;
  readonly verifier: string;
  /** Where the issuer is reached from here, which may be another address than the browser's. */
  readonly issuerAt: string;
  readonly fetch: Fetch;
  readonly publicUrl: string;
}

function silentFault(cause?: unknown): Fault {
  return new Fault("unavailable", "The issuer does not answer the dashboard.", { hint: "Sign in with the form of the dashboard, and have an administrator look at cyberun doctor.", cause });
}

/** Exchanges the code for the ID token. Throws Fault `gone` when the issuer refuses, `unavailable` when it does not answer. */
export async function exchangeCode({ code, verifier, issuerAt, fetch: ask, publicUrl }: Exchange): Promise<string> {
  const body = new URLSearchParams({ grant_type: "authorization_code", client_id: DASHBOARD_CLIENT, code, redirect_uri: `${publicUrl}${CALLBACK_PATH}`, code_verifier: verifier });
  let told: { readonly status: number; readonly text: string };
  try {
    const response = await ask(`${issuerAt}${endpoints.token}`, { method: "POST", body, redirect: "error", signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    told = { status: response.status, text: await response.text() };
  } catch (cause) {
    throw silentFault(cause);
  }
  // Only a refusal of the code itself says that the sign-in is over (RFC 6749 section 5.2).
  if (told.status === 400 || told.status === 401) throw overFault();
  const answer = told.status === 200 ? findJson(told.text) : undefined;
  if (!answerShape.Check(answer)) throw silentFault();
  return answer.id_token;
}

const claimsShape = shapeOf(
  Type.Object({
    iss: Type.String(),
    aud: Type.String(),
    sub: Type.String({ maxLength: 64 }),
    nonce: Type.String(),
    exp: Type.Number(),
    amr: Type.Optional(Type.Array(Type.String({ maxLength: 16 }), { maxItems: 8 })),
  }),
);

export interface IssuerSignIn {
  readonly keyring: Pick<Keyring, "findVerifyKey">;
  readonly idToken: string;
  readonly verifier: string;
}

/** Makes the dashboard's session of an ID token. Throws Fault `gone` for one that is not for this browser's sign-in. */
export const createSessionByIssuer = procedure("session.create_by_issuer", async ({ settings, services, write }, { keyring, idToken, verifier }: IssuerSignIn): Promise<HeldSession> => {
  const claims = await verifyJwt(keyring, "JWT", idToken);
  if (!claimsShape.Check(claims) || claims.iss !== settings.issuerUrl || claims.aud !== DASHBOARD_CLIENT) throw overFault();
  if (!isSameSecret(claims.nonce, derived("nonce", verifier)) || claims.exp * 1_000 <= services.clock.now()) throw overFault();
  return await write(async (act) => {
    const userId = claims.sub;
    if (!(await isUsableAccount(act.writer, userId))) throw overFault();
    act.note({ subject: `user:${userId}`, details: { by: "issuer" } });
    return await insertSession(act, { userId, kind: "cookie", amr: claims.amr ?? [] });
  });
});
