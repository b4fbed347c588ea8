/** The dashboard's second step: a code, or a passkey where browsers let the dashboard ask for one. */
import { t } from "elysia";
import { pageResponse } from "../../dashboard/html.ts";
import { PASSKEY_SCRIPT, passkeyPolicy, passkeyScript } from "../../dashboard/passkey-question.ts";
import { secondStepPage } from "../../dashboard/sign-in-steps.ts";
import type { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultHeaders } from "../../http/respond.ts";
import { mayAskAt } from "../../identity/passkeys/relying-party.ts";
import { secondStepOf } from "../../identity/passkeys/second-step.ts";
import { completeSession, type SecondStep } from "../../identity/session-completion.ts";
import { signedIn } from "./cookie.ts";
import { anonymousAt, orAgain, redirect, requireOwnForm } from "./forms.ts";

/** The page of the second step, when `fault` asks for one. */
export function findSecondStepPage({ settings }: Gate, name: string, fault: Fault): Response | undefined {
  const step = secondStepOf(fault);
  if (step === undefined) return undefined;
  const passkey = mayAskAt(settings, settings.publicUrl) ? step.passkey : undefined;
  return pageResponse(secondStepPage(name, { stepToken: step.stepToken, passkey }), 200, passkey === undefined ? {} : passkeyPolicy);
}

interface Visit {
  readonly gate: Gate;
  readonly request: Request;
  readonly caller: Caller;
  deploymentName(): Promise<string | undefined>;
}

async function complete({ gate, request, caller, deploymentName }: Visit, step: Omit<SecondStep, "kind">): Promise<Response> {
  const { publicUrl, cookieSeconds } = gate.settings;
  return await orAgain(
    async () => {
      requireOwnForm(gate, request);
      const session = await completeSession(gate, anonymousAt(caller), { ...step, kind: "cookie" });
      return redirect("/", signedIn(publicUrl, session.secret, cookieSeconds));
    },
    async (fault) => pageResponse(secondStepPage((await deploymentName()) ?? "Cyberun", { stepToken: step.step_token }, fault), fault.status, faultHeaders(fault)),
  );
}

export function addSecondStepDoors(app: App, gate: Gate, deploymentName: () => Promise<string | undefined>): void {
  app.get(PASSKEY_SCRIPT, passkeyScript);
  app.post("/sign-in/code", async ({ request, caller, body }) => await complete({ gate, request, caller, deploymentName }, body), {
    ...door("deployment.read", "urlencoded"),
    body: t.Object({ step_token: t.String({ maxLength: 128 }), code: t.String({ maxLength: 128 }) }),
  });
  app.post("/sign-in/passkey", async ({ request, caller, body }) => await complete({ gate, request, caller, deploymentName }, body), {
    ...door("deployment.read", "urlencoded"),
    body: t.Object({ step_token: t.String({ maxLength: 128 }), passkey: t.String({ maxLength: 65_536 }) }),
  });
}
