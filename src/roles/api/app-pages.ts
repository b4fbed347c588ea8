/**
 * The dashboard's addresses: each is the same page, whose script shows what stands there. Whoever is not signed in is sent to sign in.
 *
 * Rule: the addresses are those of `dashboard/app/sections.tsx`; a test compares them. What is shown there the API decides, call by call.
 */
import appSheet from "../../dashboard/app.css" with { type: "text" };
import { appScript, SCRIPT_PATH } from "../../dashboard/app-script.ts";
import { appHeaders, pageResponse } from "../../dashboard/html.ts";
import { notSetUpPage, overviewPage } from "../../dashboard/pages.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { App } from "../../http/listener.ts";
import { readDeployment } from "../../identity/deployment.ts";
import { readSelf } from "../../identity/users.ts";
import { redirect } from "./forms.ts";
import { findWayBack } from "./way-back.ts";

const anonymous: Caller = { kind: "anonymous" };

/** Below the start. */
export const appPaths = ["/workflows", "/workflows/:id", "/tasks", "/tasks/:id", "/agents", "/agents/:id", "/keys", "/members", "/webhooks", "/webhooks/:id", "/containers", "/notifications", "/license", "/users", "/identity", "/federation", "/system", "/audit", "/profile"] as const;

export function sheet(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/css; charset=utf-8", "cache-control": "max-age=3600", "x-content-type-options": "nosniff" } });
}

async function appPage(gate: Gate, request: Request, caller: Caller): Promise<Response> {
  const { is_set_up } = await readDeployment(gate, anonymous, undefined);
  const frame = await frameOf(gate, request);
  if (!is_set_up) return pageResponse(notSetUpPage(frame));
  if (caller.kind !== "user") return redirect("/sign-in");
  const wayBack = findWayBack(gate, request);
  if (wayBack !== undefined) return wayBack;
  const { display_name: displayName, team_list: teams } = await readSelf(gate, caller, undefined);
  const { url: script } = await appScript();
  return pageResponse(overviewPage(frame, { displayName, teams, entitlements: gate.entitled.entitlements(), script }), 200, appHeaders);
}

export function addAppPages(app: App, gate: Gate): void {
  app.get("/app.css", () => sheet(appSheet));
  app.get(SCRIPT_PATH, async ({ request }) => (await appScript()).response(request));
  for (const path of ["/", ...appPaths]) app.get(path, async ({ request, caller }) => await appPage(gate, request, caller));
}
