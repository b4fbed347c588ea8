/**
 * The dashboard's way through a provider: off to the issuer, and back with a code.
 *
 * The cookie that is set on the way there holds the verifier of the challenge that goes along, so that a code which
 * somebody else got signs nobody in here (login CSRF). It is `Lax`, because the provider's site leads back.
 */
import { t } from "elysia";
import { randomSecret } from "../../crypto/tokens.ts";
import type { Frame } from "../../dashboard/frame.ts";
import { goOnPage } from "../../dashboard/sign-in-steps.ts";
import { pageResponse } from "../../dashboard/html.ts";
import { pageWordsIn } from "../../dashboard/page-words.ts";
import { refusalWithStart } from "../../dashboard/pages.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import type { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { type CookieKind, readCookie, removeCookie, setCookie } from "../../http/cookie.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { exchangeUpstreamCode } from "../../identity/upstream/admission.ts";
import { challengeOf } from "../../identity/upstream/start.ts";
import { signedIn } from "./cookie.ts";
import { anonymousAt, type Asked, orAgain, redirect, refused } from "./forms.ts";
import { findSecondStepPage } from "./second-step.ts";

const verifierCookie: CookieKind = { name: "cyberun-upstream", sameSite: "Lax" };
const VERIFIER_SECONDS = 1_200;

function start({ services, settings }: Gate, provider: string): Response {
  const verifier = randomSecret(services.random);
  const query = new URLSearchParams({ provider, code_challenge: challengeOf(verifier) });
  return redirect(`${settings.issuerUrl}/upstream/start?${query.toString()}`, setCookie(verifierCookie, settings.publicUrl, { value: verifier, maxAgeSeconds: VERIFIER_SECONDS }));
}

interface Returning extends Asked {
  readonly gate: Gate;
  readonly frame: Frame;
}

/** A page, and not a redirect: browsers would not send the strict cookie along on the way from another site. */
async function finish({ gate, request, caller, frame }: Returning, code: string): Promise<Response> {
  const { publicUrl, cookieSeconds } = gate.settings;
  const code_verifier = readCookie(request, verifierCookie, publicUrl) ?? "";
  const session = await exchangeUpstreamCode(gate, anonymousAt(caller), { code, code_verifier, kind: "cookie" });
  const page = pageResponse(goOnPage(frame, "/", pageWordsIn(frame.language).signedInHeading));
  page.headers.append("set-cookie", signedIn(publicUrl, session.secret, cookieSeconds));
  page.headers.append("set-cookie", removeCookie(verifierCookie, publicUrl));
  return page;
}

function refusedPage({ gate, frame }: Returning, fault: Fault): Response {
  return findSecondStepPage(gate, frame, fault) ?? refused(refusalWithStart(frame, fault), fault);
}

export function addUpstreamPages(app: App, gate: Gate): void {
  app.get("/sign-in/upstream/:provider", ({ params: { provider } }) => start(gate, provider), {
    ...door("deployment.read", "none"),
    params: t.Object({ provider: t.String({ maxLength: 64 }) }),
  });
  app.get(
    "/sign-in/upstream",
    async ({ request, caller, query: { code } }) => {
      const returning = { gate, request, caller, frame: await frameOf(gate, request) };
      return await orAgain(
        async () => await finish(returning, code),
        async (fault) => refusedPage(returning, fault),
      );
    },
    { ...door("deployment.read", "none"), query: t.Object({ code: t.String({ maxLength: 128 }) }) },
  );
}
