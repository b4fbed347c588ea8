/** Ways in: what people do with their own, how they get one, and how a lost one is found again. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { changePassword } from "../../identity/password-change.ts";
import { completePasswordReset, createResetLink, requestPasswordReset } from "../../identity/password-reset.ts";
import {
  confirmSecondFactor,
  enrolSecondFactor,
  readSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
  resetSecondFactor,
} from "../../identity/second-factors.ts";
import { completeEmailVerification, requestEmailVerification, signUp } from "../../teams/sign-up.ts";

const ProvenCode = t.Object({ current_password: t.String(), code: t.String({ maxLength: 128 }) });

function addSecondFactorDoors(app: App, gate: Gate): void {
  const path = "/api/v1/users/me/second-factor";
  app.get(path, async ({ caller }) => await readSecondFactor(gate, caller, undefined), door("second_factor.read"));
  app.post(path, async ({ caller, body }) => await enrolSecondFactor(gate, caller, body), {
    ...door("second_factor.enrol"),
    body: t.Object({ current_password: t.String() }),
  });
  app.post(`${path}/confirm`, async ({ caller, body }) => await confirmSecondFactor(gate, caller, body), {
    ...door("second_factor.confirm"),
    body: t.Object({ code: t.String({ maxLength: 128 }) }),
  });
  app.post(`${path}/recovery-codes`, async ({ caller, body }) => await renewRecoveryCodes(gate, caller, body), { ...door("second_factor.renew_codes"), body: ProvenCode });
  app.post(
    `${path}/remove`,
    async ({ caller, body, set }) => {
      await removeSecondFactor(gate, caller, body);
      set.status = 204;
    },
    { ...door("second_factor.remove"), body: ProvenCode },
  );
  app.delete(
    "/api/v1/users/:user_id/second-factor",
    async ({ caller, params, set }) => {
      await resetSecondFactor(gate, caller, params);
      set.status = 204;
    },
    { ...door("second_factor.reset", "none"), params: t.Object({ user_id: t.String() }) },
  );
}

const Accepted = { is_success: true } as const;

/** What strangers ask for: the answers are the same for every address. */
function addRecoveryDoors(app: App, gate: Gate): void {
  app.post(
    "/api/v1/auth/password-reset",
    async ({ caller, body, set }) => {
      await requestPasswordReset(gate, caller, body);
      set.status = 202;
      return Accepted;
    },
    { ...door("password_reset.request"), body: t.Object({ email_address: t.String() }) },
  );
  app.post(
    "/api/v1/auth/password-reset/complete",
    async ({ caller, body }) => {
      await completePasswordReset(gate, caller, body);
      return Accepted;
    },
    { ...door("password_reset.complete"), body: t.Object({ reset_token: t.String({ maxLength: 128 }), new_password: t.String() }) },
  );
  app.post(
    "/api/v1/password-resets",
    async ({ caller, body, set }) => {
      const link = await createResetLink(gate, caller, body);
      set.status = 201;
      return link;
    },
    { ...door("password_reset.create_link"), body: t.Object({ email_address: t.String() }) },
  );
}

function addSignUpDoors(app: App, gate: Gate): void {
  app.post(
    "/api/v1/auth/register",
    async ({ caller, body, set }) => {
      const signedUp = await signUp(gate, caller, body);
      set.status = 202;
      return signedUp;
    },
    { ...door("sign_up.create"), body: t.Object({ first_name: t.String(), last_name: t.String(), email_address: t.String(), user_password: t.String() }) },
  );
  app.post(
    "/api/v1/auth/verify-email",
    async ({ caller, body }) => {
      await completeEmailVerification(gate, caller, body);
      return Accepted;
    },
    { ...door("email_verification.complete"), body: t.Object({ verification_token: t.String({ maxLength: 128 }), user_password: t.String() }) },
  );
  app.post(
    "/api/v1/users/me/email-verification",
    async ({ caller, set }) => {
      await requestEmailVerification(gate, caller, undefined);
      set.status = 202;
      return Accepted;
    },
    door("email_verification.request", "none"),
  );
}

export function addPeopleDoors(app: App, gate: Gate): void {
  addSecondFactorDoors(app, gate);
  addRecoveryDoors(app, gate);
  addSignUpDoors(app, gate);
  app.put(
    "/api/v1/users/me/password",
    async ({ caller, body }) => {
      await changePassword(gate, caller, body);
      return { is_success: true };
    },
    { ...door("user.change_password"), body: t.Object({ current_password: t.String(), new_password: t.String() }) },
  );
}
