/**
 * Sign-in through other people's providers, as browsers see it: the way there, the way back, and the page on which a
 * provider's sign-in is connected with an account.
 *
 * Rule: translates, decides nothing. Every address here is of the configuration, and the browser brings its own cookie.
 */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { t } from "elysia";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { optionsAgainOf, secondStepOf } from "../../identity/passkeys/second-step.ts";
import { beginPasskeySignIn } from "../../identity/passkeys/sign-in.ts";
import { endSession, type HeldSession } from "../../identity/sessions.ts";
import { type Connected, type Connection, connectIdentity, type ConnectionInput, readConnection } from "../../identity/upstream/connecting.ts";
import type { Target } from "../../identity/upstream/flows.ts";
import { CALLBACK_PATH, dashboardTarget, startUpstream } from "../../identity/upstream/start.ts";
import { continueAuthorization, type Interaction } from "../../oidc/authorization/interaction.ts";
import { type Finished, finishUpstream } from "../../teams/upstream-sign-in.ts";
import { INTERACTION, pathOf, show, type Visit } from "./authorize.ts";
import { browserOf, personOf, requireOwnForm, signedIn } from "./cookies.ts";
import { type Opening, orRefusalPage, redirectTo, respond, respondRefusal, towards, withCookies } from "./page-response.ts";
import { connectPage } from "./pages/connect.ts";
import { codePage } from "./pages/second-step.ts";
import { PasskeyForm } from "./passkey-form-body.ts";
import { type Attempt, codeAttempt, passkeyAttempt, passwordAttempt, signInBy } from "./sign-in-attempts.ts";

const CONNECT = "/upstream/connect";
const Handle = t.Object({ handle: t.String({ maxLength: 64 }) });

function strangerAt({ address }: Caller): Caller {
  return { kind: "anonymous", address };
}

/** One browser, one person: whoever was signed in here before is signed out. */
async function replacePerson(gate: Gate, before: Caller, held: HeldSession): Promise<string> {
  if (before.kind === "user" && before.userId !== held.userId) await endSession(gate, before, undefined);
  return signedIn(gate, held);
}

/** The dashboard's address with what it is told; it exchanges the code there. */
function dashboardAddress({ settings }: Gate, code: string): string {
  return `${settings.publicUrl}/sign-in/upstream?${new URLSearchParams({ code }).toString()}`;
}

/** The provider is asked anew where the client insists on a fresh sign-in (OpenID Connect Core 1.0 section 3.1.2.1). */
function promptOf(interaction: Extract<Interaction, { kind: "sign_in" }>): "login" | "select_account" | undefined {
  const { prompt, maxAgeSeconds } = interaction.request;
  if (prompt.includes("select_account")) return "select_account";
  return prompt.includes("login") || maxAgeSeconds !== undefined ? "login" : undefined;
}

/** The page of the request under way, with what keeps the provider's sign-in from going on. */
async function showRefused(visit: Visit, caller: Caller, fault: Fault): Promise<Response> {
  const { gate, handle, browser } = visit;
  const interaction = await continueAuthorization(gate, strangerAt(caller), { handle, browser });
  const isSecondStep = secondStepOf(fault) !== undefined;
  const page = await show(visit, isSecondStep ? { interaction, again: { attempt: {}, fault } } : { interaction, notice: fault });
  return new Response(page.body, { status: isSecondStep ? 200 : fault.status, headers: page.headers });
}

function addStart(app: App, gate: Gate): void {
  app.post(
    `${INTERACTION}/:handle/upstream`,
    async ({ request, caller, params: { handle }, body }) =>
      await orRefusalPage(gate, request, async () => {
        const { secret } = browserOf(gate, request);
        const visit = { gate, request, handle, browser: secret };
        const stranger = strangerAt(caller);
        const interaction = await continueAuthorization(gate, stranger, { handle, browser: secret });
        if (interaction.kind !== "sign_in") return await show(visit, { interaction });
        requireOwnForm(gate, request);
        try {
          const started = await startUpstream(gate, stranger, { provider_id: body.provider, browser: secret, target: { kind: "interaction", handle }, prompt: promptOf(interaction) });
          return redirectTo(started.authorization_url);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          return await showRefused(visit, caller, error);
        }
      }),
    { ...door("upstream_sign_in.start", "urlencoded"), params: Handle, body: t.Object({ provider: t.String({ maxLength: 64 }) }) },
  );
  app.get(
    "/upstream/start",
    async ({ request, caller, query }) =>
      await orRefusalPage(gate, request, async () => {
        const { secret, cookies } = browserOf(gate, request);
        const target = dashboardTarget(query.code_challenge);
        const started = await startUpstream(gate, strangerAt(caller), { provider_id: query.provider, browser: secret, target });
        return withCookies(redirectTo(started.authorization_url), cookies);
      }),
    { ...door("upstream_sign_in.start", "none"), query: t.Object({ provider: t.String({ maxLength: 64 }), code_challenge: t.Optional(t.String({ maxLength: 128 })) }) },
  );
}

/** What a callback has at hand. */
interface CallbackVisit {
  readonly gate: Gate;
  readonly request: Request;
  readonly caller: Caller;
}

/** A refusal whose way back is the request under way, or the dashboard. */
async function refused({ gate, request, caller }: CallbackVisit, target: Target, fault: Fault): Promise<Response> {
  if (target.kind === "interaction") return await showRefused({ gate, request, handle: target.handle, browser: browserOf(gate, request).secret }, caller, fault);
  return respondRefusal(await frameOf(gate, request), fault, `${gate.settings.publicUrl}/sign-in`);
}

async function goOn(visit: CallbackVisit, finished: Finished): Promise<Response> {
  const { gate, request, caller } = visit;
  switch (finished.kind) {
    case "refused":
      return await refused(visit, finished.target, finished.fault);
    case "dashboard":
      return redirectTo(dashboardAddress(gate, finished.code));
    case "connect":
      return redirectTo(`${CONNECT}/${finished.handle}`);
    case "signed_in":
      return withCookies(redirectTo(pathOf(finished.handle)), [await replacePerson(gate, await personOf(gate, request, caller), finished.session)]);
  }
}

function addCallback(app: App, gate: Gate): void {
  app.get(
    CALLBACK_PATH,
    async ({ request, caller }) =>
      await orRefusalPage(gate, request, async () => {
        const { secret } = browserOf(gate, request);
        const finished = await finishUpstream(gate, strangerAt(caller), { search: new URL(request.url).search, browser: secret });
        return await goOn({ gate, request, caller }, finished);
      }),
    door("upstream_sign_in.finish", "none"),
  );
}

/** What a page of the connection has at hand. */
interface ConnectVisit extends CallbackVisit {
  readonly shown: ConnectionInput;
}

/** Where the page's form may lead. Throws Fault `gone` when what it leads back to is over. */
async function openingOf({ gate, caller, shown }: ConnectVisit, { target }: Connection): Promise<Opening> {
  if (target.kind === "dashboard") return { formAction: `'self' ${new URL(gate.settings.publicUrl).origin}` };
  const interaction = await continueAuthorization(gate, strangerAt(caller), { handle: target.handle, browser: shown.browser });
  return interaction.kind === "answer" ? {} : towards(interaction.request.redirectUri, undefined);
}

async function showConnect(visit: ConnectVisit, connection: Connection, again?: { readonly attempt: Attempt; readonly fault: Fault }): Promise<Response> {
  const { gate, request, caller, shown } = visit;
  const frame = await frameOf(gate, request);
  const opening = await openingOf(visit, connection);
  const path = `${CONNECT}/${shown.handle}`;
  const step = secondStepOf(again?.fault);
  const stepToken = step?.stepToken ?? again?.attempt.stepToken;
  if (stepToken !== undefined) {
    const passkey = optionsAgainOf(again?.fault);
    const page = codePage(frame, { client: undefined, path, startPath: path, stepToken, passkey, fault: step === undefined ? again?.fault : undefined });
    return respond(page, { ...opening, hasPasskeys: passkey !== undefined });
  }
  const { providerName, emailAddress } = connection;
  const passkey = await beginPasskeySignIn(gate, strangerAt(caller), { browser: shown.browser });
  const page = connectPage(frame, { path, providerName, emailAddress, passkey, typedAddress: again?.attempt.emailAddress, fault: again?.fault });
  return respond(page, { ...opening, hasPasskeys: passkey !== undefined });
}

function onward(gate: Gate, connected: Connected): Response {
  return redirectTo(connected.kind === "dashboard" ? dashboardAddress(gate, connected.code) : pathOf(connected.handle));
}

/** Signs in to the account, and connects it. A session that connects nothing is ended at once. */
async function connect({ gate, caller, shown }: ConnectVisit, held: HeldSession): Promise<Response> {
  const person: Caller = { kind: "user", userId: held.userId, sessionId: held.sessionId, isAdministrator: false, teamId: undefined, address: caller.address };
  try {
    return withCookies(onward(gate, await connectIdentity(gate, person, shown)), [signedIn(gate, held)]);
  } catch (error) {
    await endSession(gate, person, undefined);
    throw error;
  }
}

async function tryConnect(visit: ConnectVisit, attempt: Attempt): Promise<Response> {
  const { gate, request, caller } = visit;
  // What is over, or another browser's, is refused before a password is looked at.
  const connection = await readConnection(gate, strangerAt(caller), visit.shown);
  try {
    return await connect(visit, await signInBy(gate, request, { attempt, caller }));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const page = await showConnect(visit, connection, { attempt, fault: error });
    return new Response(page.body, { status: secondStepOf(error) === undefined ? error.status : 200, headers: page.headers });
  }
}

function addConnect(app: App, gate: Gate): void {
  const visitOf = (request: Request, caller: Caller, handle: string): ConnectVisit => ({ gate, request, caller, shown: { handle, browser: browserOf(gate, request).secret } });
  app.get(
    `${CONNECT}/:handle`,
    async ({ request, caller, params: { handle } }) =>
      await orRefusalPage(gate, request, async () => {
        const visit = visitOf(request, caller, handle);
        return await showConnect(visit, await readConnection(gate, strangerAt(caller), visit.shown));
      }),
    { ...door("upstream_identity.prepare", "none"), params: Handle },
  );
  app.post(
    `${CONNECT}/:handle/sign-in`,
    async ({ request, caller, params: { handle }, body }) =>
      await orRefusalPage(gate, request, async () => await tryConnect(visitOf(request, caller, handle), passwordAttempt(gate, body))),
    { ...door("upstream_identity.prepare", "urlencoded"), params: Handle, body: t.Object({ email_address: t.String(), user_password: t.String() }) },
  );
  app.post(
    `${CONNECT}/:handle/code`,
    async ({ request, caller, params: { handle }, body }) =>
      await orRefusalPage(gate, request, async () => await tryConnect(visitOf(request, caller, handle), codeAttempt(gate, body))),
    { ...door("upstream_identity.prepare", "urlencoded"), params: Handle, body: t.Object({ step_token: t.String({ maxLength: 256 }), code: t.String({ maxLength: 64 }) }) },
  );
  app.post(
    `${CONNECT}/:handle/passkey`,
    async ({ request, caller, params: { handle }, body }) =>
      await orRefusalPage(gate, request, async () => {
        const visit = visitOf(request, caller, handle);
        return await tryConnect(visit, passkeyAttempt(gate, body, visit.shown.browser));
      }),
    { ...door("upstream_identity.prepare", "urlencoded"), params: Handle, body: PasskeyForm },
  );
}

/** Adds the way to providers, the one callback, and the page of a connection. */
export function addUpstreamDoors(app: App, gate: Gate): void {
  addStart(app, gate);
  addCallback(app, gate);
  addConnect(app, gate);
}
