/** The forms of a sign-in, which are the same wherever somebody signs in: password, code, passkey. */
import type { RequestOptions } from "../identity/passkeys/options.ts";
import { accountWordsIn } from "./account-words.ts";
import { html, type Html } from "./html.ts";
import type { Language } from "./language.ts";
import { passkeyForm } from "./passkey-question.ts";
import { wordsIn } from "./words.ts";

export interface PasswordForm {
  /** Where it posts to. */
  readonly action: string;
  readonly id: string;
  readonly emailAddress?: string | undefined;
  readonly label: string;
}

/** Email address and password. Names and ids are those that password managers and conformance suites know. */
export function passwordForm(language: Language, { action, id, emailAddress, label }: PasswordForm): Html {
  const words = wordsIn(language);
  return html`<form method="post" action="${action}" id="${id}">
<label for="email_address">${words.emailAddress}</label>
<input id="email_address" name="email_address" type="email" autocomplete="username" required maxlength="254" value="${emailAddress ?? ""}">
<label for="user_password">${words.password}</label>
<input id="user_password" name="user_password" type="password" autocomplete="current-password" required maxlength="128">
<button type="submit" id="submit">${label}</button>
</form>`;
}

export interface SecondStepForms {
  /** The code goes to `code` below it, the passkey's answer to `passkey`. */
  readonly path: string;
  /** It opens nothing without code or passkey. */
  readonly stepToken: string;
  /** What the person's passkeys are asked; undefined where they have none or cannot be asked here. */
  readonly passkey: RequestOptions | undefined;
}

/** A code, or a passkey. */
export function secondStepForms(language: Language, { path, stepToken, passkey }: SecondStepForms): Html {
  const words = wordsIn(language);
  const token = html`<input type="hidden" name="step_token" value="${stepToken}">
`;
  return html`${passkey === undefined ? undefined : passkeyQuestion(language, { action: `${path}/passkey`, options: passkey, fields: token })}
<form method="post" action="${path}/code" id="second-factor">
${token}<label for="code">${words.code}</label>
<input id="code" name="code" type="text" inputmode="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="64" aria-describedby="code-note">
<p class="note" id="code-note">${words.codeNote}</p>
<button type="submit" id="submit">${words.signIn}</button>
</form>`;
}

export interface PasskeyQuestion {
  readonly action: string;
  readonly options: RequestOptions;
  /** What else is sent. */
  readonly fields?: Html;
}

/** The button that asks a passkey, where scripts run. */
export function passkeyQuestion(language: Language, { action, options, fields }: PasskeyQuestion): Html {
  const { passkeyProblem: problem, usePasskey: label } = accountWordsIn(language);
  return passkeyForm({ action, label, problem, options, answer: "passkey", ...(fields === undefined ? {} : { fields }) });
}
