/**
 * Where the link of an invitation leads: what it is to, and three answers.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 * All answers stand there for everybody: who comes out of a mail program has not shown their cookie yet, and whether the
 * address has an account is not said.
 */
import type { Fault } from "../fault.ts";
import { html, type Html } from "./html.ts";
import { alert, field, layout, problemsOf } from "./pages.ts";

export interface InvitationShown {
  readonly token: string;
  readonly teamName: string;
  readonly emailAddress: string;
  readonly role: string;
  readonly expiresAt: string;
}

/** What was typed into the form, without the password. */
export interface InvitedDraft {
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
}

function day(isoTime: string): string {
  return `${isoTime.slice(0, 16).replace("T", " ")} UTC`;
}

export function invitationPage({ token, teamName, emailAddress, role, expiresAt }: InvitationShown, draft: InvitedDraft = {}, fault?: Fault): Html {
  const problems = problemsOf(fault);
  return layout(
    "Invitation",
    html`<h1>Join ${teamName}</h1>
<p><strong id="invited">${emailAddress}</strong> is invited into the team <strong id="team">${teamName}</strong> as <strong id="role">${role}</strong>. Good until <time>${day(expiresAt)}</time>.</p>
${alert(fault)}
<section aria-labelledby="known">
<h2 id="known">You have an account</h2>
<p><a href="/sign-in">Sign in</a> with this address first if you have not, then come back here.</p>
<form method="post" action="/invitation/${token}/accept" id="accept">
<button type="submit" id="submit-accept">Accept</button>
</form>
</section>
<section aria-labelledby="new">
<h2 id="new">You have none yet</h2>
<form method="post" action="/invitation/${token}/sign-up" id="sign-up">
${field({ name: "first_name", label: "First name", type: "text", autocomplete: "given-name", value: draft.first_name }, problems)}
${field({ name: "last_name", label: "Last name", type: "text", autocomplete: "family-name", value: draft.last_name }, problems)}
${field({ name: "user_password", label: "Password", type: "password", autocomplete: "new-password", minLength: 8, note: "8 to 128 characters. Nobody can read it back." }, problems)}
<button type="submit" id="submit-sign-up">Make the account and join</button>
</form>
</section>
<section aria-labelledby="unwanted">
<h2 id="unwanted">You do not want to join</h2>
<form method="post" action="/invitation/${token}/decline" id="decline">
<button type="submit" class="quiet" id="submit-decline">Decline the invitation</button>
</form>
</section>`,
  );
}

export function declinedPage(): Html {
  return layout(
    "Declined",
    html`<h1>Declined</h1>
<p>The invitation is not good any more, and nothing else has changed.</p>
<p><a href="/">To the start</a></p>`,
  );
}
