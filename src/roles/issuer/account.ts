/** `/account`: the account at a glance, the own password, the own sessions, and the way in and out. */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { t } from "elysia";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { optionsAgainOf, secondStepOf } from "../../identity/passkeys/second-step.ts";
import { endOtherSessions, endOwnSession, listSessions } from "../../identity/own-sessions.ts";
import { changePassword } from "../../identity/password-change.ts";
import { listPasskeys } from "../../identity/passkeys/passkeys.ts";
import { findRelyingParty } from "../../identity/passkeys/relying-party.ts";
import { readSecondFactor } from "../../identity/second-factors.ts";
import { endSession } from "../../identity/sessions.ts";
import { readSelf } from "../../identity/users.ts";
import { ACCOUNT, ACCOUNT_SIGN_IN, type AccountVisit, atAccount } from "./account-visit.ts";
import { accountWordsIn } from "../../dashboard/account-words.ts";
import { browserOf, signedIn, signedOut } from "./cookies.ts";
import { orAgain, orRefusalPage, redirectTo, respond, withCookies } from "./page-response.ts";
import { accountPage } from "./pages/account.ts";
import { changePasswordPage } from "./pages/new-password.ts";
import { noticePage } from "./pages/notice.ts";
import { codePage } from "./pages/second-step.ts";
import { signInPage } from "./pages/sign-in.ts";
import { signedOutPage } from "./pages/sign-out.ts";
import { PasskeyForm } from "./passkey-form-body.ts";
import { type Attempt, codeAttempt, offersOf, passkeyAttempt, passwordAttempt, signInBy } from "./sign-in-attempts.ts";

async function showAccount({ gate, person, frame }: AccountVisit): Promise<Response> {
  const profile = await readSelf(gate, person, undefined);
  const { passkey_list } = await listPasskeys(gate, person, undefined);
  const { session_list } = await listSessions(gate, person, undefined);
  const factor = await readSecondFactor(gate, person, undefined);
  return respond(
    accountPage(frame, {
      displayName: profile.display_name,
      emailAddress: profile.email_address,
      factor,
      passkeys: passkey_list,
      canHavePasskeys: findRelyingParty(gate.settings) !== undefined,
      sessions: session_list,
    }),
  );
}

async function change({ gate, person, frame }: AccountVisit, body: { readonly current_password: string; readonly new_password: string }): Promise<Response> {
  return await orAgain(
    async () => {
      await changePassword(gate, person, body);
      const words = accountWordsIn(frame.language);
      return respond(noticePage(frame, { title: words.changePassword, text: words.passwordChanged, link: { to: ACCOUNT, text: words.toAccount } }));
    },
    (fault) => changePasswordPage(frame, fault),
  );
}

function addOwnDoors(app: App, gate: Gate): void {
  const shown = door("deployment.read", "none");
  app.get(ACCOUNT, async (asked) => await atAccount(gate, asked, showAccount), shown);
  app.get(`${ACCOUNT}/password`, async (asked) => await atAccount(gate, asked, async ({ frame }) => respond(changePasswordPage(frame))), shown);
  app.post(`${ACCOUNT}/password`, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await change(visit, body)), {
    ...door("deployment.read", "urlencoded"),
    body: t.Object({ current_password: t.String(), new_password: t.String() }),
  });
  const end = async ({ person }: AccountVisit, session_id: string) => {
    await endOwnSession(gate, person, { session_id });
    return redirectTo(ACCOUNT);
  };
  app.post(
    `${ACCOUNT}/sessions/:session_id/end`,
    async ({ request, caller, params }) => await atAccount(gate, { request, caller }, async (visit) => await end(visit, params.session_id)),
    { ...shown, params: t.Object({ session_id: t.String({ maxLength: 64 }) }) },
  );
  app.post(
    `${ACCOUNT}/sessions/end-others`,
    async (asked) =>
      await atAccount(gate, asked, async ({ person }) => {
        await endOtherSessions(gate, person, undefined);
        return redirectTo(ACCOUNT);
      }),
    shown,
  );
  app.post(
    `${ACCOUNT}/sign-out`,
    async (asked) =>
      await atAccount(gate, asked, async ({ person, frame }) => {
        await endSession(gate, person, undefined);
        return respond(signedOutPage(frame), {}, [signedOut(gate)]);
      }),
    shown,
  );
}

interface Arrival {
  readonly gate: Gate;
  readonly request: Request;
  readonly caller: Caller;
}

async function showSignIn({ gate, request }: Arrival, again?: { readonly attempt: Attempt; readonly fault: Fault }): Promise<Response> {
  const frame = await frameOf(gate, request);
  const step = secondStepOf(again?.fault);
  const stepToken = step?.stepToken ?? again?.attempt.stepToken;
  if (stepToken !== undefined) {
    const passkey = optionsAgainOf(again?.fault);
    const page = codePage(frame, { client: undefined, path: ACCOUNT_SIGN_IN, startPath: ACCOUNT_SIGN_IN, stepToken, passkey, fault: step === undefined ? again?.fault : undefined });
    return respond(page, { hasPasskeys: passkey !== undefined });
  }
  const { secret, cookies } = browserOf(gate, request);
  const offers = await offersOf(gate, secret);
  const page = signInPage(frame, { client: undefined, path: ACCOUNT_SIGN_IN, emailAddress: again?.attempt.emailAddress, fault: again?.fault, ...offers });
  return respond(page, { hasPasskeys: offers.passkey !== undefined }, cookies);
}

async function signIn(arrival: Arrival, attempt: Attempt): Promise<Response> {
  const { gate, request, caller } = arrival;
  try {
    return withCookies(redirectTo(ACCOUNT), [signedIn(gate, await signInBy(gate, request, { attempt, caller }))]);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const page = await showSignIn(arrival, { attempt, fault: error });
    return new Response(page.body, { status: secondStepOf(error) === undefined ? error.status : 200, headers: page.headers });
  }
}

function addSignInDoors(app: App, gate: Gate): void {
  const form = door("deployment.read", "urlencoded");
  app.get(ACCOUNT_SIGN_IN, async ({ request, caller }) => await orRefusalPage(gate, request, async () => await showSignIn({ gate, request, caller })), door("deployment.read", "none"));
  app.post(`${ACCOUNT_SIGN_IN}/sign-in`, async ({ request, caller, body }) => await signIn({ gate, request, caller }, passwordAttempt(gate, body)), {
    ...form,
    body: t.Object({ email_address: t.String(), user_password: t.String() }),
  });
  app.post(`${ACCOUNT_SIGN_IN}/code`, async ({ request, caller, body }) => await signIn({ gate, request, caller }, codeAttempt(gate, body)), {
    ...form,
    body: t.Object({ step_token: t.String({ maxLength: 256 }), code: t.String({ maxLength: 64 }) }),
  });
  app.post(`${ACCOUNT_SIGN_IN}/passkey`, async ({ request, caller, body }) => await signIn({ gate, request, caller }, passkeyAttempt(gate, body, browserOf(gate, request).secret)), {
    ...form,
    body: PasskeyForm,
  });
}

export function addAccountDoors(app: App, gate: Gate): void {
  addOwnDoors(app, gate);
  addSignInDoors(app, gate);
}
