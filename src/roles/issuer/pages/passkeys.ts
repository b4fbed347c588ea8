/** Passkeys: one more, or one less. */
import { html, type Html } from "../../../dashboard/html.ts";
import { passkeyForm, passkeyTail } from "../../../dashboard/passkey-question.ts";
import type { Fault } from "../../../fault.ts";
import type { CreationOptions } from "../../../identity/passkeys/options.ts";
import { accountWordsIn } from "../../../dashboard/account-words.ts";
import { field, problemsOf, summaryOf } from "../../../dashboard/form.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { currentPasswordField } from "./new-password.ts";

/** The password first. */
export function beginPasskeyPage(frame: Frame, fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<h1>${words.addPasskey}</h1>
<p>${words.addPasskeyText}</p>
${summaryOf(words, fault)}
<form method="post" action="/account/passkeys/new" id="begin-passkey">
${currentPasswordField(frame, problemsOf(words, fault))}
<button type="submit" id="submit">${words.goOn}</button>
</form>
<p><a id="back" href="/account">${words.back}</a></p>`;
  return layout(frame, { title: words.addPasskey, content });
}

/** The one page of the account that needs a script. Without it, it says so. */
export function createPasskeyPage(frame: Frame, options: CreationOptions): Html {
  const words = accountWordsIn(frame.language);
  const name = field({ name: "display_name", label: words.passkeyName, autocomplete: "off", note: words.passkeyNameNote, maxLength: 100 });
  const content = html`<h1>${words.addPasskey}</h1>
${passkeyForm({ problem: words.passkeyProblem, action: "/account/passkeys", label: words.createPasskey, options, answer: "credential", fields: name })}
<noscript><p class="alert">${words.needsScripts}</p></noscript>
<p><a id="back" href="/account">${words.back}</a></p>`;
  return layout(frame, { title: words.addPasskey, content, tail: passkeyTail });
}

export interface PasskeyToRemove {
  readonly id: string;
  readonly displayName: string;
  readonly fault?: Fault;
}

export function removePasskeyPage(frame: Frame, { id, displayName, fault }: PasskeyToRemove): Html {
  const words = accountWordsIn(frame.language);
  const title = words.removePasskey(displayName);
  const content = html`<h1>${title}</h1>
${summaryOf(words, fault)}
<form method="post" action="/account/passkeys/${id}" id="remove-passkey">
${currentPasswordField(frame, problemsOf(words, fault))}
<button type="submit" id="submit">${words.remove}</button>
</form>
<p><a id="back" href="/account">${words.back}</a></p>`;
  return layout(frame, { title, content });
}
