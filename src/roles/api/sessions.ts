/** `/auth`: sign-in, refresh and sign-out for programs, in the documented shapes; and where else one is signed in. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { endOtherSessions, endOwnSession, listSessions } from "../../identity/own-sessions.ts";
import { refreshSession } from "../../identity/session-refresh.ts";
import { completeSession } from "../../identity/session-completion.ts";
import { createSession, endSession, type HeldSession } from "../../identity/sessions.ts";
import { issueAccessToken } from "../../oidc/access-tokens.ts";
import type { Keyring } from "../../oidc/keyring.ts";
import { AnyAnswer } from "./passkeys.ts";

/** The documented answer of every way to sign in. */
export async function tokensOf(gate: Gate, keyring: Keyring, session: HeldSession) {
  return {
    access_token: await issueAccessToken(gate, keyring, session),
    refresh_token: session.secret,
    expires_in: gate.settings.accessTokenSeconds,
  };
}

function addOwnSessionDoors(app: App, gate: Gate): void {
  const path = "/api/v1/users/me/sessions";
  app.get(path, async ({ caller }) => await listSessions(gate, caller, undefined), door("session.list", "none"));
  app.delete(path, async ({ caller }) => await endOtherSessions(gate, caller, undefined), door("session.end_others", "none"));
  app.delete(
    `${path}/:session_id`,
    async ({ caller, params, set }) => {
      await endOwnSession(gate, caller, params);
      set.status = 204;
    },
    { ...door("session.end_own", "none"), params: t.Object({ session_id: t.String({ maxLength: 64 }) }) },
  );
}

export function addSessionDoors(app: App, gate: Gate, keyring: Keyring): void {
  app.post(
    "/api/v1/auth/login",
    async ({ caller, body }) => await tokensOf(gate, keyring, await createSession(gate, caller, { ...body, kind: "token" })),
    { ...door("session.create"), body: t.Object({ email_address: t.String(), user_password: t.String() }) },
  );
  // The answer to a login of an account with a second factor is 401 `second_factor_required` with `details.step_token`.
  app.post(
    "/api/v1/auth/login/complete",
    async ({ caller, body }) => await tokensOf(gate, keyring, await completeSession(gate, caller, { ...body, kind: "token" })),
    { ...door("session.complete"), body: t.Object({ step_token: t.String({ maxLength: 128 }), code: t.Optional(t.String({ maxLength: 128 })), passkey: t.Optional(AnyAnswer) }) },
  );
  app.post(
    "/api/v1/auth/refresh",
    async ({ caller, body }) => await tokensOf(gate, keyring, await refreshSession(gate, caller, body)),
    { ...door("session.refresh"), body: t.Object({ refresh_token: t.String() }) },
  );
  app.post(
    "/api/v1/auth/logout",
    async ({ caller, set }) => {
      await endSession(gate, caller, undefined);
      set.status = 204;
    },
    door("session.end", "none"),
  );
  addOwnSessionDoors(app, gate);
}
