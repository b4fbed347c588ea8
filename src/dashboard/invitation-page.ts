/**
 * Where the link of an invitation leads: what it is to, and three answers.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 * All answers stand there for everybody: who comes out of a mail program has not shown their cookie yet, and whether the
 * address has an account is not said.
 */
import type { Fault } from "../fault.ts";
import { accountWordsIn } from "./account-words.ts";
import { field, type Problems, problemsOf, summaryOf, usernameField } from "./form.ts";
import { type Frame, layout } from "./frame.ts";
import { html, type Html } from "./html.ts";
import type { Language } from "./language.ts";
import { pageWordsIn } from "./page-words.ts";
import type { KnownRefusals } from "./refusal-text.ts";

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

export interface Answered {
  readonly draft?: InvitedDraft | undefined;
  readonly fault?: Fault | undefined;
}

function minute(isoTime: string): string {
  return `${isoTime.slice(0, 16).replace("T", " ")} UTC`;
}

/** What the page says for what it is refused for. */
export function invitationRefusals(language: Language): KnownRefusals {
  const words = pageWordsIn(language);
  return { gone: words.invitationGone, unauthenticated: words.invitationSignIn, conflict: words.invitationHasAccount };
}

/** The three answers. */
function answers({ language }: Frame, { token, emailAddress }: InvitationShown, { draft, problems }: { readonly draft: InvitedDraft; readonly problems: Problems }): Html {
  const words = pageWordsIn(language);
  const account = accountWordsIn(language);
  return html`<section aria-labelledby="known">
<h2 id="known">${words.knownHeading}</h2>
<p><a href="/sign-in">${words.knownLink}</a> ${words.knownText}</p>
<form method="post" action="/invitation/${token}/accept" id="accept">
<button type="submit" id="submit-accept">${words.accept}</button>
</form>
</section>
<section aria-labelledby="new">
<h2 id="new">${words.newHeading}</h2>
<form method="post" action="/invitation/${token}/sign-up" id="sign-up">
${usernameField(emailAddress)}
${field({ name: "first_name", label: account.firstName, autocomplete: "given-name", value: draft.first_name }, problems)}
${field({ name: "last_name", label: account.lastName, autocomplete: "family-name", value: draft.last_name }, problems)}
${field({ name: "user_password", label: account.password, type: "password", autocomplete: "new-password", minLength: 8, note: account.passwordNote }, problems)}
<button type="submit" id="submit-sign-up">${words.makeAccount}</button>
</form>
</section>
<section aria-labelledby="unwanted">
<h2 id="unwanted">${words.unwantedHeading}</h2>
<form method="post" action="/invitation/${token}/decline" id="decline">
<button type="submit" class="quiet" id="submit-decline">${words.decline}</button>
</form>
</section>`;
}

export function invitationPage(frame: Frame, shown: InvitationShown, { draft = {}, fault }: Answered): Html {
  const { teamName, emailAddress, role, expiresAt } = shown;
  const { language } = frame;
  const words = pageWordsIn(language);
  const account = accountWordsIn(language);
  const [afterAddress, afterTeam, afterRole] = words.invited;
  const content = html`<h1>${words.join(teamName)}</h1>
<p><strong id="invited">${emailAddress}</strong>${afterAddress}<strong id="team">${teamName}</strong>${afterTeam}<strong id="role">${role}</strong>${afterRole} ${words.goodUntil(minute(expiresAt))}</p>
${summaryOf(account, fault, invitationRefusals(language))}
${answers(frame, shown, { draft, problems: problemsOf(account, fault) })}`;
  return layout(frame, { title: words.invitation, content });
}

export function declinedPage(frame: Frame): Html {
  const words = pageWordsIn(frame.language);
  const content = html`<h1>${words.declined}</h1>
<p>${words.declinedText}</p>
<p><a href="/">${words.toStart}</a></p>`;
  return layout(frame, { title: words.declined, content });
}
