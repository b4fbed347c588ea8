/** Connecting a provider's sign-in with an account that is here already, by the account's own sign-in. */
import { html, type Html } from "../../../dashboard/html.ts";
import { signInRefusals } from "../../../dashboard/pages.ts";
import { passkeyTail } from "../../../dashboard/passkey-question.ts";
import type { Fault } from "../../../fault.ts";
import type { RequestOptions } from "../../../identity/passkeys/options.ts";
import { wordsIn } from "../../../dashboard/words.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { alertOf } from "../../../dashboard/refusal-text.ts";
import { passkeyQuestion, passwordForm } from "../../../dashboard/sign-in-form.ts";

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
  const { language } = frame;
  const words = wordsIn(language);
  const content = html`<h1>${words.connectTitle}</h1>
<p id="who">${words.connectWho(providerName)}${emailAddress === undefined ? undefined : html` <strong>${emailAddress}</strong>`}</p>
<p>${words.connectText(providerName)}</p>
${alertOf(language, fault, signInRefusals(language))}
${passwordForm(language, { action: `${path}/sign-in`, id: "connect", emailAddress: typedAddress ?? emailAddress, label: words.connect })}
${passkey === undefined ? undefined : passkeyQuestion(language, { action: `${path}/passkey`, options: passkey })}`;
  return layout(frame, { title: words.connectTitle, content, tail: passkey === undefined ? undefined : passkeyTail });
}
