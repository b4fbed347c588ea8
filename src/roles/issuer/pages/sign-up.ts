/** Self-service: a new account, and the proof of its address. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import { accountWordsIn } from "../../../dashboard/account-words.ts";
import { field, problemsOf, summaryOf } from "../../../dashboard/form.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { newPasswordField } from "./new-password.ts";

/** What was typed, without the password: shown again when something was refused. */
export interface SignUpDraft {
  readonly first_name?: string;
  readonly last_name?: string;
  readonly email_address?: string;
}

export function signUpPage(frame: Frame, draft: SignUpDraft, fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const problems = problemsOf(words, fault);
  const content = html`<h1>${frame.deploymentName}</h1>
<p>${words.signUp}</p>
${summaryOf(words, fault)}
<form method="post" action="/sign-up" id="sign-up">
${field({ name: "first_name", label: words.firstName, autocomplete: "given-name", maxLength: 100, value: draft.first_name }, problems)}
${field({ name: "last_name", label: words.lastName, autocomplete: "family-name", maxLength: 100, value: draft.last_name }, problems)}
${field({ name: "email_address", label: words.emailAddress, type: "email", autocomplete: "username", value: draft.email_address }, problems)}
${newPasswordField(words, "user_password", problems)}
<button type="submit" id="submit">${words.signUp}</button>
</form>
<p><a id="sign-in-link" href="/account/sign-in">${words.haveAccount}</a></p>`;
  return layout(frame, { title: words.signUp, content });
}

/** Where a mailed link leads: the password that was chosen is asked for again. */
export function verifyAddressPage(frame: Frame, fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<h1>${words.verifyAddress}</h1>
<p>${words.verifyText}</p>
${summaryOf(words, fault)}
<form method="post" id="verify">
${field({ name: "user_password", label: words.password, type: "password", autocomplete: "current-password" }, problemsOf(words, fault))}
<button type="submit" id="submit">${words.confirm}</button>
</form>`;
  return layout(frame, { title: words.verifyAddress, content });
}
