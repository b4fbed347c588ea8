/**
 * The pages that links lead to: a new password, the proof of an address. Opening a link uses nothing up, because mail
 * servers open links too; sending its form does.
 */
import { t } from "elysia";
import { pageResponse } from "../../dashboard/html.ts";
import { resetPage, verificationPage } from "../../dashboard/people-pages.ts";
import { refusalPage } from "../../dashboard/pages.ts";
import type { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultHeaders } from "../../http/respond.ts";
import { checkResetLink, completePasswordReset } from "../../identity/password-reset.ts";
import { completeEmailVerification } from "../../teams/sign-up.ts";
import { anonymousAt, orAgain, redirect, requireOwnForm } from "./forms.ts";

function again(page: (fault: Fault) => Parameters<typeof pageResponse>[0]): (fault: Fault) => Promise<Response> {
  // A link that is good no more has no form to fill in.
  return async (fault) => pageResponse(fault.code === "gone" ? refusalPage(fault) : page(fault), fault.status, faultHeaders(fault));
}

function addResetPage(app: App, gate: Gate): void {
  const link = t.Object({ reset_token: t.String({ maxLength: 128 }) });
  app.get(
    "/reset-password/:reset_token",
    async ({ caller, params }) =>
      await orAgain(async () => {
        await checkResetLink(gate, anonymousAt(caller), params);
        return pageResponse(resetPage());
      }, again(resetPage)),
    { ...door("deployment.read", "none"), params: link },
  );
  app.post(
    "/reset-password/:reset_token",
    async ({ request, caller, params, body }) =>
      await orAgain(async () => {
        requireOwnForm(gate, request);
        await completePasswordReset(gate, anonymousAt(caller), { ...params, ...body });
        return redirect("/sign-in");
      }, again(resetPage)),
    { ...door("deployment.read", "urlencoded"), params: link, body: t.Object({ new_password: t.String() }) },
  );
}

function addVerificationPage(app: App, gate: Gate): void {
  const link = t.Object({ verification_token: t.String({ maxLength: 128 }) });
  app.get("/verify-email/:verification_token", () => pageResponse(verificationPage()), { ...door("deployment.read", "none"), params: link });
  app.post(
    "/verify-email/:verification_token",
    async ({ request, caller, params, body }) =>
      await orAgain(async () => {
        requireOwnForm(gate, request);
        await completeEmailVerification(gate, anonymousAt(caller), { ...params, ...body });
        return redirect("/sign-in");
      }, again(verificationPage)),
    { ...door("deployment.read", "urlencoded"), params: link, body: t.Object({ user_password: t.String() }) },
  );
}

export function addPeoplePages(app: App, gate: Gate): void {
  addResetPage(app, gate);
  addVerificationPage(app, gate);
}
