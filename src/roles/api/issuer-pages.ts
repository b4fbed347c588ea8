/**
 * The dashboard's way through the issuer: off with a challenge, back with a code, and in by the dashboard's own cookie. Who is
 * signed in at the issuer already, for another program, types nothing.
 *
 * The cookie of the way there is `Lax`, because the issuer's site leads back.
 */
import { t } from "elysia";
import type { Way } from "../../certificates.ts";
import { randomSecret } from "../../crypto/tokens.ts";
import { pageResponse } from "../../dashboard/html.ts";
import { pageWordsIn } from "../../dashboard/page-words.ts";
import { refusalWithStart } from "../../dashboard/pages.ts";
import { goOnPage } from "../../dashboard/sign-in-steps.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import { wordsIn } from "../../dashboard/words.ts";
import { system } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { type CookieKind, readCookie, removeCookie, setCookie } from "../../http/cookie.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { prepareFirstPartyClient } from "../../oidc/clients/client-operations.ts";
import { authorizationUrl, createSessionByIssuer, CALLBACK_PATH, DASHBOARD_CLIENT, dashboardMetadata, exchangeCode, requireCode, type Returned, signOutUrl } from "../../oidc/dashboard-sign-in.ts";
import type { Keyring } from "../../oidc/keyring.ts";
import { signedIn } from "./cookie.ts";
import { anonymousAt, type Asked, orAgain, redirect, refused } from "./forms.ts";

const verifierCookie: CookieKind = { name: "cyberun-dashboard", sameSite: "Lax" };
/** Says that this browser came in through the issuer, so that signing out ends the sign-in there too. It opens nothing. */
const wayCookie: CookieKind = { name: "cyberun-way", sameSite: "Lax" };
const WAY = "through-the-issuer";
const VERIFIER_SECONDS = 1_200;

/** How the API reaches the issuer, for the exchange of the code. */
export interface IssuerWay extends Way {
  readonly keyring: Keyring;
}

/** Registers the dashboard where its address is not known to the issuer yet: once for each address that this process has had. */
function registrar(gate: Gate): () => Promise<void> {
  let registered: string | undefined;
  return async () => {
    const { publicUrl } = gate.settings;
    if (registered === publicUrl) return;
    await prepareFirstPartyClient(gate, system, { client_id: DASHBOARD_CLIENT, metadata: dashboardMetadata(publicUrl) });
    registered = publicUrl;
  };
}

/** A page, and not a redirect: browsers would not send the strict cookie along on the way from another site. */
async function finish(gate: Gate, { keyring, url, fetch: ask }: IssuerWay, { request, caller, query }: Asked & { readonly query: Returned }): Promise<Response> {
  const { publicUrl, cookieSeconds } = gate.settings;
  const { code, verifier } = requireCode(gate.settings, query, readCookie(request, verifierCookie, publicUrl));
  const idToken = await exchangeCode({ code, verifier, issuerAt: url(), fetch: ask, publicUrl });
  const session = await createSessionByIssuer(gate, anonymousAt(caller), { keyring, idToken, verifier });
  const frame = await frameOf(gate, request);
  const page = pageResponse(goOnPage(frame, "/", pageWordsIn(frame.language).signedInHeading));
  page.headers.append("set-cookie", signedIn(publicUrl, session.secret, cookieSeconds));
  page.headers.append("set-cookie", setCookie(wayCookie, publicUrl, { value: WAY, maxAgeSeconds: cookieSeconds }));
  page.headers.append("set-cookie", removeCookie(verifierCookie, publicUrl));
  return page;
}

/**
 * Where one is led who signs out: to the issuer, where one came in through it, and else to the sign-in. To the issuer by a
 * page: the policy of pages lets no form end at another origin, not even by a redirect.
 */
export async function afterSignOut(gate: Gate, request: Request): Promise<Response> {
  const { settings } = gate;
  if (readCookie(request, wayCookie, settings.publicUrl) !== WAY) return redirect("/sign-in");
  const frame = await frameOf(gate, request);
  const page = pageResponse(goOnPage(frame, signOutUrl(settings), wordsIn(frame.language).signOut));
  page.headers.append("set-cookie", removeCookie(wayCookie, settings.publicUrl));
  return page;
}

export function addIssuerPages(app: App, gate: Gate, way: IssuerWay): void {
  const register = registrar(gate);
  app.get(
    "/sign-in/issuer",
    async () => {
      await register();
      const verifier = randomSecret(gate.services.random);
      return redirect(authorizationUrl(gate.settings, verifier), setCookie(verifierCookie, gate.settings.publicUrl, { value: verifier, maxAgeSeconds: VERIFIER_SECONDS }));
    },
    door("deployment.read", "none"),
  );
  const Short = t.Optional(t.String({ maxLength: 512 }));
  app.get(
    CALLBACK_PATH,
    async ({ request, caller, query }) =>
      await orAgain(
        async () => await finish(gate, way, { request, caller, query }),
        async (fault) => refused(refusalWithStart(await frameOf(gate, request), fault), fault),
      ),
    { ...door("deployment.read", "none"), query: t.Object({ code: Short, state: Short, iss: Short, error: Short, error_description: Short, session_state: Short }) },
  );
}
