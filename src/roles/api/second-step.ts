/** The dashboard's second step: a code, or a passkey where browsers let the dashboard ask for one. */
import { t } from "elysia";
import type { Frame } from "../../dashboard/frame.ts";
import { pageResponse } from "../../dashboard/html.ts";
import { PASSKEY_SCRIPT, passkeyPolicy, passkeyScript } from "../../dashboard/passkey-question.ts";
import { secondStepPage } from "../../dashboard/sign-in-steps.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import type { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import type { RequestOptions } from "../../identity/passkeys/options.ts";
import { mayAskAt } from "../../identity/passkeys/relying-party.ts";
import { optionsAgainOf, secondStepOf } from "../../identity/passkeys/second-step.ts";
import { completeSession, type SecondStep } from "../../identity/session-completion.ts";
import { signedIn } from "./cookie.ts";
import { anonymousAt, type Asked, orAgain, redirect, refused, requireOwnForm } from "./forms.ts";

/** What is asked of the person's passkeys, where browsers let the dashboard ask. */
function askedHere({ settings }: Gate, passkey: RequestOptions | undefined): RequestOptions | undefined {
  return mayAskAt(settings, settings.publicUrl) ? passkey : undefined;
}

function policyFor(passkey: RequestOptions | undefined): Readonly<Record<string, string>> {
  return passkey === undefined ? {} : passkeyPolicy;
}

/** The page of the second step, when `fault` asks for one. */
export function findSecondStepPage(gate: Gate, frame: Frame, fault: Fault): Response | undefined {
  const step = secondStepOf(fault);
  if (step === undefined) return undefined;
  const passkey = askedHere(gate, step.passkey);
  return pageResponse(secondStepPage(frame, { stepToken: step.stepToken, passkey }), 200, policyFor(passkey));
}

async function complete(gate: Gate, { request, caller }: Asked, step: Omit<SecondStep, "kind">): Promise<Response> {
  const { publicUrl, cookieSeconds } = gate.settings;
  return await orAgain(
    async () => {
      requireOwnForm(gate, request);
      const session = await completeSession(gate, anonymousAt(caller), { ...step, kind: "cookie" });
      return redirect("/", signedIn(publicUrl, session.secret, cookieSeconds));
    },
    async (fault) => {
      const passkey = askedHere(gate, optionsAgainOf(fault));
      return refused(secondStepPage(await frameOf(gate, request), { stepToken: step.step_token, passkey }, fault), fault, policyFor(passkey));
    },
  );
}

export function addSecondStepDoors(app: App, gate: Gate): void {
  app.get(PASSKEY_SCRIPT, passkeyScript);
  app.post("/sign-in/code", async ({ request, caller, body }) => await complete(gate, { request, caller }, body), {
    ...door("deployment.read", "urlencoded"),
    body: t.Object({ step_token: t.String({ maxLength: 128 }), code: t.String({ maxLength: 128 }) }),
  });
  app.post("/sign-in/passkey", async ({ request, caller, body }) => await complete(gate, { request, caller }, body), {
    ...door("deployment.read", "urlencoded"),
    body: t.Object({ step_token: t.String({ maxLength: 128 }), passkey: t.String({ maxLength: 65_536 }) }),
  });
}
