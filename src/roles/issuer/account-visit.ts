/** What every page of the account takes: somebody who is signed in at this browser, and forms of this site's own. */
import { frameOf } from "../../dashboard/visit-frame.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { readSelf } from "../../identity/users.ts";
import { personOf, requireOwnForm } from "./cookies.ts";
import { orRefusalPage, redirectTo } from "./page-response.ts";
import type { Frame } from "../../dashboard/frame.ts";

export const ACCOUNT = "/account";
export const ACCOUNT_SIGN_IN = "/account/sign-in";

export interface AccountVisit {
  readonly gate: Gate;
  readonly request: Request;
  readonly person: Caller;
  readonly frame: Frame;
}

interface Asked {
  readonly request: Request;
  readonly caller: Caller;
}

/** Runs `work` for who is signed in; everybody else is led to the sign-in. The operations ask once more who it is. */
export async function atAccount(gate: Gate, { request, caller }: Asked, work: (visit: AccountVisit) => Promise<Response>): Promise<Response> {
  return await orRefusalPage(gate, request, async () => {
    const person = await personOf(gate, request, caller);
    if (person.kind !== "user") return redirectTo(ACCOUNT_SIGN_IN);
    if (request.method !== "GET") requireOwnForm(gate, request);
    try {
      const { email_address: emailAddress } = await readSelf(gate, person, undefined);
      return await work({ gate, request, person, frame: { ...(await frameOf(gate, request)), emailAddress } });
    } catch (error) {
      // The session ended between the look and the deed.
      if (error instanceof Fault && error.code === "unauthenticated") return redirectTo(ACCOUNT_SIGN_IN);
      throw error;
    }
  });
}
