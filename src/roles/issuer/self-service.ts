/**
 * What strangers do by themselves: sign up, ask for a new password, follow a mailed link. Opening a link uses nothing up,
 * because mail servers open links too; sending its form does.
 *
 * Rule: the answers are the same for every address, in words, status and work. A page whose feature is off refuses by
 * HTTP status what its form would refuse.
 */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { t } from "elysia";
import { pageResponse } from "../../dashboard/html.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultHeaders } from "../../http/respond.ts";
import { checkResetLink, checkResetOffer, completePasswordReset, requestPasswordReset } from "../../identity/password-reset.ts";
import { checkSignUp, completeEmailVerification, signUp } from "../../teams/sign-up.ts";
import { ACCOUNT_SIGN_IN } from "./account-visit.ts";
import { type AccountWords, accountWordsIn } from "../../dashboard/account-words.ts";
import { requireOwnForm } from "./cookies.ts";
import { orAgain, orRefusalPage, respond } from "./page-response.ts";
import type { Frame } from "../../dashboard/frame.ts";
import { choosePasswordPage, forgotPasswordPage } from "./pages/new-password.ts";
import { noticePage } from "./pages/notice.ts";
import { refusalPage } from "../../dashboard/pages.ts";
import { signUpPage, verifyAddressPage } from "./pages/sign-up.ts";

interface Stranger {
  readonly caller: Caller;
  readonly frame: Frame;
  readonly words: AccountWords;
}

/** Runs `work` for nobody in particular, whoever is signed in at the browser. */
async function asStranger(gate: Gate, { request, caller }: { readonly request: Request; readonly caller: Caller }, work: (stranger: Stranger) => Promise<Response>): Promise<Response> {
  return await orRefusalPage(gate, request, async () => {
    if (request.method !== "GET") requireOwnForm(gate, request);
    const frame = await frameOf(gate, request);
    return await work({ caller: { kind: "anonymous", address: caller.address }, frame, words: accountWordsIn(frame.language) });
  });
}

function toSignIn(words: AccountWords) {
  return { to: ACCOUNT_SIGN_IN, text: words.signIn };
}

const SignUpForm = t.Object({ first_name: t.String(), last_name: t.String(), email_address: t.String(), user_password: t.String() });

function addSignUpPage(app: App, gate: Gate): void {
  app.get(
    "/sign-up",
    async (asked) =>
      await asStranger(gate, asked, async ({ caller, frame }) => {
        await checkSignUp(gate, caller, undefined);
        return respond(signUpPage(frame, {}));
      }),
    door("sign_up.check", "none"),
  );
  app.post(
    "/sign-up",
    async ({ request, caller, body }) =>
      await asStranger(gate, { request, caller }, async (stranger) => {
        const { frame, words } = stranger;
        await checkSignUp(gate, stranger.caller, undefined);
        return await orAgain(
          async () => {
            const { next_step } = await signUp(gate, stranger.caller, body);
            const isMailed = next_step === "verify_email";
            return respond(noticePage(frame, { title: isMailed ? words.checkMail : words.signUp, text: isMailed ? words.signedUpByMail : words.signedUp, link: toSignIn(words) }));
          },
          (fault) => signUpPage(frame, body, fault),
        );
      }),
    { ...door("sign_up.create", "urlencoded"), body: SignUpForm },
  );
}

/** Where no mail can be sent, whatever keeps it from being sent: the person is told who can help, and not what an operator could mend. */
async function whereMailIsSent(gate: Gate, { caller, frame, words }: Stranger, work: () => Promise<Response>): Promise<Response> {
  try {
    await checkResetOffer(gate, caller, undefined);
  } catch (error) {
    if (!(error instanceof Fault) || error.code === "rate_limited") throw error;
    const page = noticePage(frame, { title: words.forgotPassword, text: words.noMail, link: toSignIn(words) });
    return pageResponse(page, error.status, faultHeaders(error));
  }
  return await work();
}

function addForgottenPage(app: App, gate: Gate): void {
  app.get(
    "/forgot-password",
    async (asked) =>
      await asStranger(gate, asked, async (stranger) => await whereMailIsSent(gate, stranger, async () => respond(forgotPasswordPage(stranger.frame)))),
    door("password_reset.offer", "none"),
  );
  app.post(
    "/forgot-password",
    async ({ request, caller, body }) =>
      await asStranger(gate, { request, caller }, async (stranger) => {
        const { frame, words } = stranger;
        const attempt = async () => {
          await requestPasswordReset(gate, stranger.caller, body);
          return respond(noticePage(frame, { title: words.checkMail, text: words.linkSent, link: toSignIn(words) }));
        };
        return await whereMailIsSent(gate, stranger, async () => await orAgain(attempt, (fault) => forgotPasswordPage(frame, { emailAddress: body.email_address, fault })));
      }),
    { ...door("password_reset.request", "urlencoded"), body: t.Object({ email_address: t.String() }) },
  );
}

/** A link that is good no more has no form to fill in. */
function unlessGone(frame: Frame, page: (frame: Frame, fault: Fault) => ReturnType<typeof refusalPage>) {
  return (fault: Fault) => (fault.code === "gone" ? refusalPage(frame, { fault }) : page(frame, fault));
}

function addLinkPages(app: App, gate: Gate): void {
  const reset = { params: t.Object({ reset_token: t.String({ maxLength: 128 }) }) };
  app.get(
    "/reset-password/:reset_token",
    async ({ request, caller, params }) =>
      await asStranger(gate, { request, caller }, async (stranger) => {
        await checkResetLink(gate, stranger.caller, params);
        return respond(choosePasswordPage(stranger.frame));
      }),
    { ...door("password_reset.check", "none"), ...reset },
  );
  app.post(
    "/reset-password/:reset_token",
    async ({ request, caller, params, body }) =>
      await asStranger(gate, { request, caller }, async ({ caller: stranger, frame, words }) =>
        await orAgain(async () => {
          await completePasswordReset(gate, stranger, { ...params, ...body });
          return respond(noticePage(frame, { title: words.choosePassword, text: words.passwordSet, link: toSignIn(words) }));
        }, unlessGone(frame, choosePasswordPage)),
      ),
    { ...door("password_reset.complete", "urlencoded"), ...reset, body: t.Object({ new_password: t.String() }) },
  );
  const verify = { params: t.Object({ verification_token: t.String({ maxLength: 128 }) }) };
  app.get("/verify-email/:verification_token", async ({ request, caller }) => await asStranger(gate, { request, caller }, async ({ frame }) => respond(verifyAddressPage(frame))), {
    ...door("email_verification.complete", "none"),
    ...verify,
  });
  app.post(
    "/verify-email/:verification_token",
    async ({ request, caller, params, body }) =>
      await asStranger(gate, { request, caller }, async ({ caller: stranger, frame, words }) =>
        await orAgain(async () => {
          await completeEmailVerification(gate, stranger, { ...params, ...body });
          return respond(noticePage(frame, { title: words.verifyAddress, text: words.addressVerified, link: toSignIn(words) }));
        }, unlessGone(frame, verifyAddressPage)),
      ),
    { ...door("email_verification.complete", "urlencoded"), ...verify, body: t.Object({ user_password: t.String() }) },
  );
}

export function addSelfServiceDoors(app: App, gate: Gate): void {
  addSignUpPage(app, gate);
  addForgottenPage(app, gate);
  addLinkPages(app, gate);
}
