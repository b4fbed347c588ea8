/** What all forms of the pages have in common: whose they are, what a refusal shows, and where a success leads. */
import { type Html, pageHeaders, pageResponse } from "../../dashboard/html.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { faultHeaders } from "../../http/respond.ts";
import { requireSameSite } from "../../http/same-site.ts";

export function redirect(to: string, setCookie?: string): Response {
  return new Response(null, { status: 303, headers: { ...pageHeaders, location: to, ...(setCookie === undefined ? {} : { "set-cookie": setCookie }) } });
}

/** Who asked, and how. */
export interface Asked {
  readonly request: Request;
  readonly caller: Caller;
}

/** The page that says what was refused, with the status and headers of that. */
export function refused(page: Html, fault: Fault, headers: Readonly<Record<string, string>> = {}): Response {
  return pageResponse(page, fault.status, { ...faultHeaders(fault), ...headers });
}

/** A form that another site's page sent is refused, also where nobody is signed in yet (login CSRF). */
export function requireOwnForm(gate: Gate, request: Request): void {
  requireSameSite(request, gate.settings.publicUrl);
}

/** Runs `attempt`; its fault is shown on the page that was filled in, with what was typed except the password. */
export async function orAgain(attempt: () => Promise<Response>, again: (fault: Fault) => Promise<Response>): Promise<Response> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof Fault) return await again(error);
    throw error;
  }
}

/** Somebody who is signed in already may sign in as another person; the operation itself is a stranger's. */
export function anonymousAt(caller: Caller): Caller {
  return { kind: "anonymous", address: caller.address };
}
