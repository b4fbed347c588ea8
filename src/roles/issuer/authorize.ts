/** The authorization endpoint and the pages between a request and its answer. */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { t } from "elysia";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { optionsAgainOf, secondStepOf } from "../../identity/passkeys/second-step.ts";
import { listOfferedProviders } from "../../identity/upstream/providers.ts";
import { continueAuthorization, decideAuthorization, type Interaction } from "../../oidc/authorization/interaction.ts";
import { startAuthorization } from "../../oidc/authorization/start.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import type { Keyring } from "../../oidc/keyring.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { browserOf, personOf, requireOwnForm, signedIn } from "./cookies.ts";
import { answerResponse, orRefusalPage, redirectTo, respond, towards, withCookies } from "./page-response.ts";
import { consentPage } from "./pages/consent.ts";
import { codePage } from "./pages/second-step.ts";
import { signInPage } from "./pages/sign-in.ts";
import { PasskeyForm } from "./passkey-form-body.ts";
import { type Attempt, codeAttempt, offersOf, passkeyAttempt, passwordAttempt, signInBy } from "./sign-in-attempts.ts";

export const INTERACTION = "/interaction";
const anonymous: Caller = { kind: "anonymous" };

/** What a route of a request under way has at hand. */
export interface Visit {
  readonly gate: Gate;
  readonly request: Request;
  readonly handle: string;
  /** The browser's own secret. */
  readonly browser: string;
}

export interface Shown {
  readonly interaction: Interaction;
  /** What was typed, and why it was refused. */
  readonly again?: { readonly attempt: Pick<Attempt, "emailAddress" | "stepToken">; readonly fault: Fault };
  /** What keeps another way of signing in from going on, in its own words. */
  readonly notice?: Fault;
}

/** Where a request under way is shown. */
export function pathOf(handle: string): string {
  return `${INTERACTION}/${handle}`;
}

/** The page of the interaction, or its answer. */
export async function show({ gate, request, handle, browser }: Visit, { interaction, again, notice }: Shown): Promise<Response> {
  if (interaction.kind === "answer") return answerResponse(await frameOf(gate, request), interaction.response);
  const { client, request: asked } = interaction;
  const frame = await frameOf(gate, request, asked.uiLocales);
  const opening = towards(asked.redirectUri, client.logoUri);
  const path = pathOf(handle);
  if (interaction.kind === "consent") return respond(consentPage(frame, { client, path, person: interaction.person, needed: interaction.needed }), opening);
  const step = secondStepOf(again?.fault);
  const stepToken = step?.stepToken ?? again?.attempt.stepToken;
  if (stepToken !== undefined) {
    const passkey = optionsAgainOf(again?.fault);
    const page = codePage(frame, { client, path, startPath: path, stepToken, passkey, fault: step === undefined ? again?.fault : undefined });
    return respond(page, { ...opening, hasPasskeys: passkey !== undefined });
  }
  const offers = await offersOf(gate, browser);
  const providers = await listOfferedProviders(gate, anonymous, undefined);
  const page = signInPage(frame, { client, path, emailAddress: again?.attempt.emailAddress ?? asked.loginHint, fault: again?.fault, notice, providers, ...offers });
  return respond(page, { ...towards(asked.redirectUri, client.logoUri, providers.flatMap(({ plainOrigin }) => plainOrigin ?? [])), hasPasskeys: offers.passkey !== undefined });
}

async function start({ gate, keyring, request, caller }: { gate: Gate; keyring: Keyring; request: Request; caller: Caller }, text: string): Promise<Response> {
  return await orRefusalPage(gate, request, async () => {
    const started = await startAuthorization(gate, caller, { text, keyring });
    if (started.kind === "answer") return answerResponse(await frameOf(gate, request), started.response);
    // To a page of ours: so it can be reloaded, and its cookies count although another site's page led here.
    return redirectTo(pathOf(started.handle));
  });
}

async function formText(request: Request): Promise<string> {
  const type = request.headers.get("content-type") ?? "";
  if (type.toLowerCase().startsWith("application/x-www-form-urlencoded")) return await request.text();
  throw new Fault("invalid_request", "The authorization request is not an HTML form.", { hint: "Post it as application/x-www-form-urlencoded." });
}

/** Signs in and goes on; a refusal is shown on the form that was filled in. */
async function signIn(visit: Visit, caller: Caller, attempt: Attempt): Promise<Response> {
  const { gate, request, handle, browser } = visit;
  const opened = { handle, browser };
  // A request that is over, or another browser's, is refused before a password is looked at.
  const interaction = await continueAuthorization(gate, { kind: "anonymous", address: caller.address }, opened);
  if (interaction.kind === "answer") return await show(visit, { interaction });
  try {
    const held = await signInBy(gate, request, { attempt, caller });
    const person: Caller = { kind: "user", userId: held.userId, sessionId: held.sessionId, isAdministrator: false, teamId: undefined, address: caller.address };
    const next = await continueAuthorization(gate, person, opened);
    const response = next.kind === "answer" ? await show(visit, { interaction: next }) : redirectTo(pathOf(handle));
    return withCookies(response, [signedIn(gate, held)]);
  } catch (error) {
    if (!(error instanceof Fault) || interaction.kind !== "sign_in") throw error;
    const page = await show(visit, { interaction, again: { attempt, fault: error } });
    return new Response(page.body, { status: secondStepOf(error) === undefined ? error.status : 200, headers: page.headers });
  }
}

function addSignInForms(app: App, gate: Gate): void {
  const params = t.Object({ handle: t.String({ maxLength: 64 }) });
  const visit = (request: Request, handle: string): Visit => ({ gate, request, handle, browser: browserOf(gate, request).secret });
  app.post(
    `${INTERACTION}/:handle/sign-in`,
    async ({ request, caller, params: { handle }, body }) => await orRefusalPage(gate, request, async () => await signIn(visit(request, handle), caller, passwordAttempt(gate, body))),
    { ...door("authorization.continue", "urlencoded"), params, body: t.Object({ email_address: t.String(), user_password: t.String() }) },
  );
  app.post(
    `${INTERACTION}/:handle/code`,
    async ({ request, caller, params: { handle }, body }) => await orRefusalPage(gate, request, async () => await signIn(visit(request, handle), caller, codeAttempt(gate, body))),
    { ...door("authorization.continue", "urlencoded"), params, body: t.Object({ step_token: t.String({ maxLength: 256 }), code: t.String({ maxLength: 64 }) }) },
  );
  app.post(
    `${INTERACTION}/:handle/passkey`,
    async ({ request, caller, params: { handle }, body }) =>
      await orRefusalPage(gate, request, async () => {
        const came = visit(request, handle);
        return await signIn(came, caller, passkeyAttempt(gate, body, came.browser));
      }),
    { ...door("authorization.continue", "urlencoded"), params, body: PasskeyForm },
  );
}

function addInteraction(app: App, gate: Gate): void {
  const params = t.Object({ handle: t.String({ maxLength: 64 }) });
  app.get(
    `${INTERACTION}/:handle`,
    async ({ request, caller, params: { handle } }) =>
      await orRefusalPage(gate, request, async () => {
        const { secret, cookies } = browserOf(gate, request);
        const interaction = await continueAuthorization(gate, await personOf(gate, request, caller), { handle, browser: secret });
        return withCookies(await show({ gate, request, handle, browser: secret }, { interaction }), cookies);
      }),
    { ...door("authorization.continue", "none"), params },
  );
  app.post(
    `${INTERACTION}/:handle/decision`,
    async ({ request, caller, params: { handle }, body }) =>
      await orRefusalPage(gate, request, async () => {
        requireOwnForm(gate, request);
        const person = await personOf(gate, request, caller);
        const { secret } = browserOf(gate, request);
        const interaction = await decideAuthorization(gate, person, { handle, browser: secret, decision: body.decision, seenBy: body.seen_by });
        return interaction.kind === "answer" ? await show({ gate, request, handle, browser: secret }, { interaction }) : redirectTo(pathOf(handle));
      }),
    {
      ...door("authorization.decide", "urlencoded"),
      params,
      body: t.Object({ decision: t.Union([t.Literal("allow"), t.Literal("deny")]), seen_by: t.Optional(t.String({ maxLength: 64 })) }),
    },
  );
}

/** Adds the authorization endpoint (GET and POST, OpenID Connect Core 1.0 section 3.1.2.1) and its pages. */
export function addAuthorizationDoors(app: App, { gate, keyring }: IssuerSite): void {
  app.get(
    endpoints.authorization,
    async ({ request, caller }) => await start({ gate, keyring, request, caller }, new URL(request.url).search),
    door("authorization.start", "none"),
  );
  app.post(
    endpoints.authorization,
    async ({ request, caller }) => await orRefusalPage(gate, request, async () => await start({ gate, keyring, request, caller }, await formText(request))),
    door("authorization.start", "none"),
  );
  addInteraction(app, gate);
  addSignInForms(app, gate);
}
