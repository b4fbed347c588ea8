/** The pages: set-up by link, sign-in, overview, sign-out. Forms without scripts; refusals are pages too. */
import { t } from "elysia";
import { pageResponse } from "../../dashboard/html.ts";
import { alreadySetUpPage, notSetUpPage, overviewPage, refusalPage, setupPage, signInPage } from "../../dashboard/pages.ts";
import styleSheet from "../../dashboard/style.css" with { type: "text" };
import type { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultHeaders } from "../../http/respond.ts";
import { readDeployment } from "../../identity/deployment.ts";
import { checkSetupLink } from "../../identity/setup-links.ts";
import { createSession, endSession } from "../../identity/sessions.ts";
import { listOfferedProviders } from "../../identity/upstream/providers.ts";
import { readSelf } from "../../identity/users.ts";
import { completeSetup } from "../../teams/setup.ts";
import { signedIn, signedOut } from "./cookie.ts";
import { addDevicePages } from "./device-pages.ts";
import { anonymousAt, orAgain, redirect, requireOwnForm } from "./forms.ts";
import { addSecondStepDoors, findSecondStepPage } from "./second-step.ts";
import { addUpstreamPages } from "./upstream-pages.ts";
import { findWayBack } from "./way-back.ts";

const anonymous: Caller = { kind: "anonymous" };

async function signIn(gate: Gate, caller: Caller, form: { readonly email_address: string; readonly user_password: string }): Promise<string> {
  const session = await createSession(gate, caller, { email_address: form.email_address, user_password: form.user_password, kind: "cookie" });
  return signedIn(gate.settings.publicUrl, session.secret, gate.settings.cookieSeconds);
}

async function deploymentName(gate: Gate): Promise<string | undefined> {
  const deployment = await readDeployment(gate, anonymous, undefined);
  return deployment.is_set_up ? (deployment.display_name ?? "Cyberun") : undefined;
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
async function gonePage(gate: Gate, fault: Fault): Promise<Response> {
  const isSetUp = (await deploymentName(gate)) !== undefined;
  return pageResponse(isSetUp ? alreadySetUpPage() : refusalPage(fault), fault.status);
}

async function setupForm(gate: Gate, caller: Caller, link: { readonly setup_token: string }): Promise<Response> {
  const attempt = async () => {
    await checkSetupLink(gate, anonymousAt(caller), link);
    return pageResponse(setupPage({}));
  };
  return await orAgain(attempt, (fault) => gonePage(gate, fault));
}

function addSetupPages(app: App, gate: Gate): void {
  const link = t.Object({ setup_token: t.String({ maxLength: 128 }) });
  app.get("/setup/:setup_token", async ({ caller, params }) => await setupForm(gate, caller, params), { ...door("deployment.read", "none"), params: link });
  app.post(
    "/setup/:setup_token",
    async ({ request, caller, params, body }) =>
      await orAgain(
        async () => {
          requireOwnForm(gate, request);
          await completeSetup(gate, caller, { ...params, ...body });
          return redirect("/", await signIn(gate, caller, body));
        },
        async (fault) => (fault.code === "gone" ? await gonePage(gate, fault) : pageResponse(setupPage(body, fault), fault.status, faultHeaders(fault))),
      ),
    { ...door("setup.complete", "urlencoded"), params: link, body: SetupForm },
  );
}

function addSignInPages(app: App, gate: Gate): void {
  app.get("/sign-in", async () => {
    const name = await deploymentName(gate);
    return name === undefined ? redirect("/") : pageResponse(signInPage({ deploymentName: name, providers: await listOfferedProviders(gate, anonymous, undefined) }));
  });
  app.post(
    "/sign-in",
    async ({ request, caller, body }) =>
      await orAgain(
        async () => {
          requireOwnForm(gate, request);
          return redirect("/", await signIn(gate, anonymousAt(caller), body));
        },
        async (fault) => {
          const name = (await deploymentName(gate)) ?? "Cyberun";
          const secondStep = findSecondStepPage(gate, name, fault);
          if (secondStep !== undefined) return secondStep;
          const providers = await listOfferedProviders(gate, anonymous, undefined);
          return pageResponse(signInPage({ deploymentName: name, emailAddress: body.email_address, providers }, fault), fault.status, faultHeaders(fault));
        },
      ),
    { ...door("deployment.read", "urlencoded"), body: t.Object({ email_address: t.String(), user_password: t.String() }) },
  );
  addSecondStepDoors(app, gate, () => deploymentName(gate));
  app.post(
    "/sign-out",
    async ({ caller }) => {
      await endSession(gate, caller, undefined);
      return redirect("/sign-in", signedOut(gate.settings.publicUrl));
    },
    door("session.end", "none"),
  );
}

export function addPages(app: App, gate: Gate): void {
  app.get("/style.css", () => new Response(styleSheet, { headers: { "content-type": "text/css; charset=utf-8", "cache-control": "max-age=3600" } }));
  app.get("/", async ({ request, caller }) => {
    const name = await deploymentName(gate);
    if (name === undefined) return pageResponse(notSetUpPage());
    if (caller.kind !== "user") return redirect("/sign-in");
    const wayBack = findWayBack(gate, request);
    if (wayBack !== undefined) return wayBack;
    const profile = await readSelf(gate, caller, undefined);
    const entitlements = gate.entitled.entitlements();
    return pageResponse(overviewPage({ deploymentName: name, displayName: profile.display_name, teams: profile.team_list, entitlements }));
  });
  addSetupPages(app, gate);
  addSignInPages(app, gate);
  addUpstreamPages(app, gate, () => deploymentName(gate));
  addDevicePages(app, gate);
}
