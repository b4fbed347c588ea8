/** Connecting a provider's sign-in with an account that is here already, by the account's own sign-in. */
import { html, type Html } from "../../../dashboard/html.ts";
import { passkeyForm, passkeyTail } from "../../../dashboard/passkey-question.ts";
import type { Fault } from "../../../fault.ts";
import type { RequestOptions } from "../../../identity/passkeys/options.ts";
import { accountWordsIn } from "../account-words.ts";
import { wordsIn } from "../words.ts";
import { alertOf, type Frame, layout } from "./frame.ts";

export interface Connect {
  /** Path of the connection. */
  readonly path: string;
  readonly providerName: string;
  /** As the provider said it. */
  readonly emailAddress: string | undefined;
  /** What a passkey is asked; undefined where there can be none. */
  readonly passkey: RequestOptions | undefined;
  /** What was typed. */
  readonly typedAddress?: string | undefined;
  readonly fault?: Fault | undefined;
}

export function connectPage(frame: Frame, { path, providerName, emailAddress, passkey, typedAddress, fault }: Connect): Html {
  const words = wordsIn(frame.language);
  const account = accountWordsIn(frame.language);
  const content = html`<h1>${words.connectTitle}</h1>
<p id="who">${words.connectWho(providerName)}${emailAddress === undefined ? undefined : html` <strong>${emailAddress}</strong>`}</p>
<p>${words.connectText(providerName)}</p>
${alertOf(words, fault)}
<form method="post" action="${path}/sign-in" id="connect">
<label for="email_address">${words.emailAddress}</label>
<input id="email_address" name="email_address" type="email" autocomplete="username" required maxlength="254" value="${typedAddress ?? emailAddress ?? ""}">
<label for="user_password">${words.password}</label>
<input id="user_password" name="user_password" type="password" autocomplete="current-password" required maxlength="128">
<button type="submit" id="submit">${words.connect}</button>
</form>
${passkey === undefined ? undefined : passkeyForm({ problem: account.passkeyProblem, action: `${path}/passkey`, label: account.usePasskey, options: passkey, answer: "passkey" })}`;
  return layout(frame, { title: words.connectTitle, content, tail: passkey === undefined ? undefined : passkeyTail });
}
