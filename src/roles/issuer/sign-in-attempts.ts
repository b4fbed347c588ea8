/**
 * Ways to a session at the issuer's pages: password, second step, passkey. For a client's request and for the account
 * alike, so that both take the same steps and show the same refusals.
 */
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { RequestOptions } from "../../identity/passkeys/options.ts";
import { checkResetOffer } from "../../identity/password-reset.ts";
import { beginPasskeySignIn, createSessionByPasskey } from "../../identity/passkeys/sign-in.ts";
import { completeSession } from "../../identity/session-completion.ts";
import { createSession, endSession, type HeldSession } from "../../identity/sessions.ts";
import { checkSignUp } from "../../teams/sign-up.ts";
import { personOf, requireOwnForm } from "./cookies.ts";
import { isRefused } from "./page-response.ts";
import type { Ways } from "./pages/sign-in.ts";

/** A way to a session, and what to show again when it is refused. */
export interface Attempt {
  readonly emailAddress?: string;
  readonly stepToken?: string;
  make(stranger: Caller): Promise<HeldSession>;
}

/** What the sign-in form sent. */
export function passwordAttempt(gate: Gate, body: { readonly email_address: string; readonly user_password: string }): Attempt {
  return { emailAddress: body.email_address, make: async (stranger) => await createSession(gate, stranger, { ...body, kind: "cookie" }) };
}

export function codeAttempt(gate: Gate, body: { readonly step_token: string; readonly code: string }): Attempt {
  return { stepToken: body.step_token, make: async (stranger) => await completeSession(gate, stranger, { ...body, kind: "cookie" }) };
}

/** With a step token it is the second step; without, a sign-in of its own, which belongs to the browser. */
export function passkeyAttempt(gate: Gate, { step_token, passkey }: { readonly step_token?: string | undefined; readonly passkey: string }, browser: string): Attempt {
  if (step_token === undefined) return { make: async (stranger) => await createSessionByPasskey(gate, stranger, { passkey, browser, kind: "cookie" }) };
  return { stepToken: step_token, make: async (stranger) => await completeSession(gate, stranger, { step_token, passkey, kind: "cookie" }) };
}

/** Carries out the attempt that the browser's own form made. One browser, one person: whoever was signed in here before is signed out. */
export async function signInBy(gate: Gate, request: Request, { attempt, caller }: { readonly attempt: Attempt; readonly caller: Caller }): Promise<HeldSession> {
  requireOwnForm(gate, request);
  const before = await personOf(gate, request, caller);
  const held = await attempt.make({ kind: "anonymous", address: caller.address });
  if (before.kind === "user" && before.userId !== held.userId) await endSession(gate, before, undefined);
  return held;
}

const stranger: Caller = { kind: "anonymous" };

/** What the sign-in page offers beside the password. */
export async function offersOf(gate: Gate, browser: string): Promise<{ readonly passkey: RequestOptions | undefined; readonly ways: Ways }> {
  const passkey = await beginPasskeySignIn(gate, stranger, { browser });
  const signUp = !(await isRefused(() => checkSignUp(gate, stranger, undefined)));
  const passwordReset = !(await isRefused(() => checkResetOffer(gate, stranger, undefined)));
  return { passkey, ways: { signUp, passwordReset } };
}
