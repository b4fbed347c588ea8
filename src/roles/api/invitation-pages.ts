/** The page that an invitation's link leads to. Opening it uses nothing up, because mail servers open links too. */
import { t } from "elysia";
import { pageResponse } from "../../dashboard/html.ts";
import { declinedPage, invitationPage, invitationRefusals, type InvitedDraft } from "../../dashboard/invitation-page.ts";
import { refusalWithStart } from "../../dashboard/pages.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { createSession } from "../../identity/sessions.ts";
import { acceptInvitation, checkInvitation, declineInvitation, type ShownInvitation } from "../../teams/invitation-answers.ts";
import { signUpInvited } from "../../teams/invitation-sign-up.ts";
import { signedIn } from "./cookie.ts";
import { anonymousAt, type Asked, orAgain, redirect, refused, requireOwnForm } from "./forms.ts";

interface Visit extends ShownInvitation, Asked {
  readonly draft?: InvitedDraft;
}

function signInFirst(): Fault {
  return new Fault("unauthenticated", "You are not signed in.", { hint: "Sign in with the account of the invited address, then open the link again." });
}

/** The page of an invitation that is good, with what was refused about it. */
async function page(gate: Gate, { request, caller, invitation_token, draft }: Visit, fault?: Fault): Promise<Response> {
  const found = await checkInvitation(gate, anonymousAt(caller), { invitation_token });
  const shown = { token: invitation_token, teamName: found.team_display_name, emailAddress: found.email_address, role: found.invitation_role, expiresAt: found.expires_at };
  const shownPage = invitationPage(await frameOf(gate, request), shown, { draft, fault });
  return fault === undefined ? pageResponse(shownPage) : refused(shownPage, fault);
}

/** Runs `attempt`; what was refused is shown on the page, or alone when the invitation is good no more. */
async function orPage(gate: Gate, visit: Visit, attempt: () => Promise<Response>): Promise<Response> {
  const alone = async (fault: Fault) => {
    const frame = await frameOf(gate, visit.request);
    return refused(refusalWithStart(frame, fault, invitationRefusals(frame.language)), fault);
  };
  return await orAgain(attempt, async (fault) => await orAgain(async () => (fault.code === "gone" ? await alone(fault) : await page(gate, visit, fault)), alone));
}

const link = t.Object({ invitation_token: t.String({ maxLength: 128 }) });
const Names = t.Object({ first_name: t.String(), last_name: t.String(), user_password: t.String() });
const path = "/invitation/:invitation_token";

function addSignUpForm(app: App, gate: Gate): void {
  app.post(
    `${path}/sign-up`,
    async ({ request, caller, params, body }) =>
      await orPage(gate, { request, caller, ...params, draft: body }, async () => {
        requireOwnForm(gate, request);
        const { email_address } = await signUpInvited(gate, anonymousAt(caller), { ...params, ...body });
        const session = await createSession(gate, anonymousAt(caller), { email_address, user_password: body.user_password, kind: "cookie" });
        return redirect("/", signedIn(gate.settings.publicUrl, session.secret, gate.settings.cookieSeconds));
      }),
    { ...door("deployment.read", "urlencoded"), params: link, body: Names },
  );
}

export function addInvitationPages(app: App, gate: Gate): void {
  app.get(path, async ({ request, caller, params }) => await orPage(gate, { request, caller, ...params }, async () => await page(gate, { request, caller, ...params })), { ...door("deployment.read", "none"), params: link });
  app.post(
    `${path}/accept`,
    async ({ request, caller, params }) =>
      await orPage(gate, { request, caller, ...params }, async () => {
        requireOwnForm(gate, request);
        if (caller.kind !== "user") throw signInFirst();
        await acceptInvitation(gate, caller, params);
        return redirect("/");
      }),
    { ...door("deployment.read", "none"), params: link },
  );
  app.post(
    `${path}/decline`,
    async ({ request, caller, params }) =>
      await orPage(gate, { request, caller, ...params }, async () => {
        requireOwnForm(gate, request);
        await declineInvitation(gate, anonymousAt(caller), params);
        return pageResponse(declinedPage(await frameOf(gate, request)));
      }),
    { ...door("deployment.read", "none"), params: link },
  );
  addSignUpForm(app, gate);
}
