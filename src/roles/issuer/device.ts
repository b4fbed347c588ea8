/**
 * The device authorization endpoint, and the page where people type a device's code (RFC 8628 sections 3.1 and 3.3).
 *
 * Rule: whoever is not signed in is led through the same interaction as for any client. Opening the page looks nothing
 * up and decides nothing; only forms of the page itself do.
 */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { t } from "elysia";
import { findUserCode, shownUserCode } from "../../crypto/user-codes.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultHeaders } from "../../http/respond.ts";
import { startOwnSignIn } from "../../oidc/authorization/own-page.ts";
import { answerDeviceAuthorization, DEVICE_PAGE } from "../../oidc/device/authorization-endpoint.ts";
import { decideDeviceAuthorization, readDeviceAuthorization } from "../../oidc/device/verification.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { pathOf } from "./authorize.ts";
import { backChannelOf, secretJson } from "./back-channel.ts";
import { personOf, requireOwnForm } from "./cookies.ts";
import { imageOf, orRefusalPage, redirectTo, respond } from "./page-response.ts";
import { deviceCodePage, deviceConsentPage, deviceDonePage } from "./pages/device.ts";

interface Visit {
  readonly gate: Gate;
  readonly request: Request;
  readonly caller: Caller;
  /** As it came in the address or the form. */
  readonly typed: string | undefined;
}

/** Only what can be a code is shown again or handed on. */
function codeOf({ typed }: Visit): string | undefined {
  const code = typed === undefined ? undefined : findUserCode(typed);
  return code === undefined ? undefined : shownUserCode(code);
}

/** Runs `work` for who is signed in at the browser; leads everybody else through sign-in and back here. */
async function asPerson(visit: Visit, work: (person: Caller) => Promise<Response>): Promise<Response> {
  const { gate, request, caller } = visit;
  return await orRefusalPage(gate, request, async () => {
    const person = await personOf(gate, request, caller);
    if (person.kind === "user") return await work(person);
    return redirectTo(pathOf(await startOwnSignIn(gate, person, { path: DEVICE_PAGE, userCode: codeOf(visit) })));
  });
}

async function formPage(visit: Visit, fault?: Fault): Promise<Response> {
  const { gate, request } = visit;
  const page = respond(deviceCodePage(await frameOf(gate, request), { path: DEVICE_PAGE, userCode: codeOf(visit), fault }));
  if (fault === undefined) return page;
  const headers = new Headers(page.headers);
  for (const [name, value] of Object.entries(faultHeaders(fault))) headers.set(name, value);
  return new Response(page.body, { status: fault.status, headers });
}

/** Runs `work`; a code that is refused is asked for again. */
async function orFormAgain(visit: Visit, work: () => Promise<Response>): Promise<Response> {
  try {
    requireOwnForm(visit.gate, visit.request);
    return await work();
  } catch (error) {
    if (error instanceof Fault && (error.code === "not_found" || error.code === "rate_limited" || error.code === "forbidden")) return await formPage(visit, error);
    throw error;
  }
}

async function open(visit: Visit, isRefused: boolean): Promise<Response> {
  const { gate, request } = visit;
  // The person left the sign-in with a no.
  if (isRefused) return respond(deviceDonePage(await frameOf(gate, request), false));
  return await asPerson(visit, async () => await formPage(visit));
}

async function look(visit: Visit): Promise<Response> {
  const { gate, request, typed = "" } = visit;
  return await asPerson(visit, async (person) =>
    orFormAgain(visit, async () => {
      const device = await readDeviceAuthorization(gate, person, { user_code: typed });
      return respond(deviceConsentPage(await frameOf(gate, request), { path: DEVICE_PAGE, userCode: codeOf(visit) ?? "", device }), { image: imageOf(device.client.logoUri) });
    }),
  );
}

async function decide(visit: Visit, decision: "allow" | "deny"): Promise<Response> {
  const { gate, request, typed = "" } = visit;
  return await asPerson(visit, async (person) =>
    orFormAgain(visit, async () => {
      await decideDeviceAuthorization(gate, person, { user_code: typed, decision });
      return respond(deviceDonePage(await frameOf(gate, request), decision === "allow"));
    }),
  );
}

const CodeText = t.String({ maxLength: 64 });

/** Adds the endpoint for devices and the page for people. */
export function addDeviceDoors(app: App, site: IssuerSite): void {
  const { gate } = site;
  app.post(
    endpoints.device_authorization,
    async ({ request, caller }) => secretJson(await answerDeviceAuthorization(site, caller, await backChannelOf(request))),
    door("device_authorization.start", "none"),
  );
  app.get(
    DEVICE_PAGE,
    async ({ request, caller, query }) => await open({ gate, request, caller, typed: query.user_code }, query.error !== undefined),
    // What else stands in the address is passed over: people copy links from anywhere.
    { ...door("sign_in.start", "none"), query: t.Object({ user_code: t.Optional(t.String()), error: t.Optional(t.String()) }, { additionalProperties: true }) },
  );
  app.post(DEVICE_PAGE, async ({ request, caller, body }) => await look({ gate, request, caller, typed: body.user_code }), {
    ...door("sign_in.start", "urlencoded"),
    body: t.Object({ user_code: CodeText }),
  });
  app.post(`${DEVICE_PAGE}/decision`, async ({ request, caller, body }) => await decide({ gate, request, caller, typed: body.user_code }, body.decision), {
    ...door("sign_in.start", "urlencoded"),
    body: t.Object({ user_code: CodeText, decision: t.Union([t.Literal("allow"), t.Literal("deny")]) }),
  });
}
