/** A new password: with the current one, by a link, and the mail that brings the link. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import { type AccountWords, accountWordsIn } from "../../../dashboard/account-words.ts";
import { field, type Problems, problemsOf, summaryOf, usernameField } from "../../../dashboard/form.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";

/** For every form that sets one. */
export function newPasswordField(words: AccountWords, name: "new_password" | "user_password", problems: Problems): Html {
  const label = name === "new_password" ? words.newPassword : words.password;
  return field({ name, label, type: "password", autocomplete: "new-password", minLength: 8, note: words.passwordNote }, problems);
}

/** The current password, with the name of the account beside it for password managers. */
export function currentPasswordField({ language, emailAddress }: Frame, problems: Problems): Html {
  const { currentPassword: label } = accountWordsIn(language);
  return html`${emailAddress === undefined ? undefined : usernameField(emailAddress)}${field({ name: "current_password", label, type: "password", autocomplete: "current-password" }, problems)}`;
}

export function changePasswordPage(frame: Frame, fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const problems = problemsOf(words, fault);
  const content = html`<h1>${words.changePassword}</h1>
<p>${words.othersEnd}</p>
${summaryOf(words, fault)}
<form method="post" action="/account/password" id="change-password">
${currentPasswordField(frame, problems)}
${newPasswordField(words, "new_password", problems)}
<button type="submit" id="submit">${words.changePassword}</button>
</form>
<p><a id="back" href="/account">${words.back}</a></p>`;
  return layout(frame, { title: words.changePassword, content });
}

export function forgotPasswordPage(frame: Frame, { emailAddress, fault }: { readonly emailAddress?: string; readonly fault?: Fault } = {}): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<h1>${words.forgotPassword}</h1>
<p>${words.forgotText}</p>
${summaryOf(words, fault)}
<form method="post" action="/forgot-password" id="forgot-password">
${field({ name: "email_address", label: words.emailAddress, type: "email", autocomplete: "username", value: emailAddress }, problemsOf(words, fault))}
<button type="submit" id="submit">${words.sendLink}</button>
</form>
<p><a id="sign-in-link" href="/account/sign-in">${words.signIn}</a></p>`;
  return layout(frame, { title: words.forgotPassword, content });
}

/** Where a mailed or handed link leads. The form posts to the page's own address. */
export function choosePasswordPage(frame: Frame, fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<h1>${words.choosePassword}</h1>
<p>${words.chooseText}</p>
${summaryOf(words, fault)}
<form method="post" id="reset">
${newPasswordField(words, "new_password", problemsOf(words, fault))}
<button type="submit" id="submit">${words.setPassword}</button>
</form>`;
  return layout(frame, { title: words.choosePassword, content });
}
