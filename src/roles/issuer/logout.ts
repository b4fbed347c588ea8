/** `/oauth/logout`: signs the browser out for a client, after asking where nobody can be sure. */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { t } from "elysia";
import type { Caller } from "../../gate/caller.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { endSession } from "../../identity/sessions.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import { type Logout, prepareLogout } from "../../oidc/logout.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { personOf, requireOwnForm, signedOut } from "./cookies.ts";
import { orRefusalPage, redirectTo, respond, towards, withCookies } from "./page-response.ts";
import { signedOutPage, signOutPage } from "./pages/sign-out.ts";

const CONFIRMATION = `${endpoints.end_session}/confirm`;

interface Visit {
  readonly site: IssuerSite;
  readonly request: Request;
  readonly caller: Caller;
}

async function leave({ site: { gate }, request }: Visit, logout: Logout, isSignedOut: boolean): Promise<Response> {
  const cookies = isSignedOut ? [signedOut(gate)] : [];
  if (logout.redirectTo !== undefined) return withCookies(redirectTo(logout.redirectTo), cookies);
  return respond(signedOutPage(await frameOf(gate, request, logout.uiLocales)), {}, cookies);
}

async function begin(visit: Visit, text: string): Promise<Response> {
  const { site, request, caller } = visit;
  const { gate, keyring } = site;
  return await orRefusalPage(gate, request, async () => {
    const person = await personOf(gate, request, caller);
    const logout = await prepareLogout(gate, person, { text, keyring });
    if (person.kind !== "user") return await leave(visit, logout, true);
    if (!logout.isCertain) {
      const page = signOutPage(await frameOf(gate, request, logout.uiLocales), CONFIRMATION, { request: text });
      return respond(page, logout.redirectTo === undefined ? {} : towards(logout.redirectTo, undefined));
    }
    await endSession(gate, person, undefined);
    return await leave(visit, logout, true);
  });
}

async function confirm(visit: Visit, { request: text, answer }: { readonly request: string; readonly answer: "yes" | "no" }): Promise<Response> {
  const { site, request, caller } = visit;
  const { gate, keyring } = site;
  return await orRefusalPage(gate, request, async () => {
    requireOwnForm(gate, request);
    const person = await personOf(gate, request, caller);
    const logout = await prepareLogout(gate, person, { text, keyring });
    if (answer === "yes" && person.kind === "user") await endSession(gate, person, undefined);
    return await leave(visit, logout, answer === "yes");
  });
}

export function addLogoutDoors(app: App, site: IssuerSite): void {
  app.get(
    endpoints.end_session,
    async ({ request, caller }) => await begin({ site, request, caller }, new URL(request.url).search.slice(1)),
    door("logout.prepare", "none"),
  );
  // Another site's form comes without our cookies; the address it becomes is opened with them.
  app.post(
    endpoints.end_session,
    async ({ request }) => redirectTo(`${endpoints.end_session}?${new URLSearchParams(await request.text()).toString()}`),
    door("logout.prepare", "none"),
  );
  app.post(CONFIRMATION, async ({ request, caller, body }) => await confirm({ site, request, caller }, body), {
    ...door("logout.prepare", "urlencoded"),
    body: t.Object({ request: t.String({ maxLength: 16_384 }), answer: t.Union([t.Literal("yes"), t.Literal("no")]) }),
  });
}
