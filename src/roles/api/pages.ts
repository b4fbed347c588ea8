/** The pages: set-up by link, sign-in, overview, sign-out. Forms without scripts; refusals are pages too. */
import { t } from "elysia";
import { pageResponse } from "../../dashboard/html.ts";
import { ICON_PATH, iconResponse, LOGO_PATH, logoResponse } from "../../dashboard/logo.ts";
import { pageWordsIn } from "../../dashboard/page-words.ts";
import { alreadySetUpPage, refusalWithStart, setupPage, signInPage } from "../../dashboard/pages.ts";
import styleSheet from "../../dashboard/style.css" with { type: "text" };
import { frameOf } from "../../dashboard/visit-frame.ts";
import type { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { readDeployment } from "../../identity/deployment.ts";
import { checkSetupLink } from "../../identity/setup-links.ts";
import { createSession, endSession } from "../../identity/sessions.ts";
import { listOfferedProviders } from "../../identity/upstream/providers.ts";
import { completeSetup } from "../../teams/setup.ts";
import { signedIn, signedOut } from "./cookie.ts";
import { addAppPages, sheet } from "./app-pages.ts";
import { addDevicePages } from "./device-pages.ts";
import { anonymousAt, type Asked, orAgain, redirect, refused, requireOwnForm } from "./forms.ts";
import { addSecondStepDoors, findSecondStepPage } from "./second-step.ts";
import { addIssuerPages, afterSignOut, type IssuerWay } from "./issuer-pages.ts";
import { addUpstreamPages } from "./upstream-pages.ts";

const anonymous: Caller = { kind: "anonymous" };

async function signIn(gate: Gate, caller: Caller, form: { readonly email_address: string; readonly user_password: string }): Promise<string> {
  const session = await createSession(gate, caller, { email_address: form.email_address, user_password: form.user_password, kind: "cookie" });
  return signedIn(gate.settings.publicUrl, session.secret, gate.settings.cookieSeconds);
}

const SetupForm = t.Object({
  deployment_name: t.String(),
  team_name: t.String(),
  first_name: t.String(),
  last_name: t.String(),
  email_address: t.String(),
  user_password: t.String(),
});

/** A link that is good no more: there is nothing to fill in, only the next step. */
async function gonePage(gate: Gate, request: Request, fault: Fault): Promise<Response> {
  const { is_set_up } = await readDeployment(gate, anonymous, undefined);
  const frame = await frameOf(gate, request);
  return pageResponse(is_set_up ? alreadySetUpPage(frame) : refusalWithStart(frame, fault, { gone: pageWordsIn(frame.language).setUpGone }), fault.status);
}

async function setupForm(gate: Gate, { request, caller }: Asked, link: { readonly setup_token: string }): Promise<Response> {
  const attempt = async () => {
    await checkSetupLink(gate, anonymousAt(caller), link);
    return pageResponse(setupPage(await frameOf(gate, request), {}));
  };
  return await orAgain(attempt, (fault) => gonePage(gate, request, fault));
}

function addSetupPages(app: App, gate: Gate): void {
  const link = t.Object({ setup_token: t.String({ maxLength: 128 }) });
  app.get("/setup/:setup_token", async ({ request, caller, params }) => await setupForm(gate, { request, caller }, params), { ...door("deployment.read", "none"), params: link });
  app.post(
    "/setup/:setup_token",
    async ({ request, caller, params, body }) =>
      await orAgain(
        async () => {
          requireOwnForm(gate, request);
          await completeSetup(gate, caller, { ...params, ...body });
          return redirect("/", await signIn(gate, caller, body));
        },
        async (fault) => (fault.code === "gone" ? await gonePage(gate, request, fault) : refused(setupPage(await frameOf(gate, request), body, fault), fault)),
      ),
    { ...door("setup.complete", "urlencoded"), params: link, body: SetupForm },
  );
}

async function signInForm(gate: Gate, request: Request, { emailAddress, fault }: { readonly emailAddress?: string; readonly fault?: Fault } = {}): Promise<Response> {
  const frame = await frameOf(gate, request);
  const secondStep = fault === undefined ? undefined : findSecondStepPage(gate, frame, fault);
  if (secondStep !== undefined) return secondStep;
  const page = signInPage(frame, { emailAddress, providers: await listOfferedProviders(gate, anonymous, undefined) }, fault);
  return fault === undefined ? pageResponse(page) : refused(page, fault);
}

function addSignInPages(app: App, gate: Gate): void {
  app.get("/sign-in", async ({ request }) => {
    const { is_set_up } = await readDeployment(gate, anonymous, undefined);
    return is_set_up ? await signInForm(gate, request) : redirect("/");
  });
  app.post(
    "/sign-in",
    async ({ request, caller, body }) =>
      await orAgain(
        async () => {
          requireOwnForm(gate, request);
          return redirect("/", await signIn(gate, anonymousAt(caller), body));
        },
        async (fault) => await signInForm(gate, request, { emailAddress: body.email_address, fault }),
      ),
    { ...door("deployment.read", "urlencoded"), body: t.Object({ email_address: t.String(), user_password: t.String() }) },
  );
  addSecondStepDoors(app, gate);
  app.post(
    "/sign-out",
    async ({ request, caller }) => {
      await endSession(gate, caller, undefined);
      const response = await afterSignOut(gate, request);
      response.headers.append("set-cookie", signedOut(gate.settings.publicUrl));
      return response;
    },
    door("session.end", "none"),
  );
}

export function addPages(app: App, gate: Gate, issuer: IssuerWay): void {
  app.get(LOGO_PATH, () => logoResponse(gate.settings.logo));
  app.get(ICON_PATH, () => iconResponse(gate.settings.logo));
  app.get("/style.css", () => sheet(styleSheet));
  addSetupPages(app, gate);
  addSignInPages(app, gate);
  addUpstreamPages(app, gate);
  addIssuerPages(app, gate, issuer);
  addDevicePages(app, gate);
  addAppPages(app, gate);
}
