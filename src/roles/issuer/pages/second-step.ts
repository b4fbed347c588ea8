/** The second step of a sign-in: a code, or a passkey. */
import { html, type Html } from "../../../dashboard/html.ts";
import { passkeyForm, passkeyTail } from "../../../dashboard/passkey-question.ts";
import type { Fault } from "../../../fault.ts";
import type { RequestOptions } from "../../../identity/passkeys/options.ts";
import type { ShownClient } from "../../../oidc/authorization/interaction.ts";
import { accountWordsIn } from "../account-words.ts";
import { wordsIn } from "../words.ts";
import { cancelForm, signInReason } from "./client.ts";
import { type Frame, layout } from "./frame.ts";

export interface SecondStep {
  /** Undefined at the account's own pages. */
  readonly client: ShownClient | undefined;
  readonly path: string;
  /** Where the sign-in begins anew. */
  readonly startPath: string;
  readonly stepToken: string;
  /** What the person's passkeys are asked; undefined when there is none, or its answer was wrong. */
  readonly passkey: RequestOptions | undefined;
  readonly fault?: Fault | undefined;
}

/** The step token opens nothing without code or passkey. */
export function codePage(frame: Frame, { client, path, startPath, stepToken, passkey, fault }: SecondStep): Html {
  const words = wordsIn(frame.language);
  const account = accountWordsIn(frame.language);
  const token = html`<input type="hidden" name="step_token" value="${stepToken}">
`;
  const content = html`<h1>${frame.deploymentName}</h1>
<p>${client === undefined ? account.signInToAccount : signInReason(words, client)}</p>
${fault === undefined ? undefined : html`<p class="alert" role="alert" id="error">${fault.code === "unauthenticated" ? words.wrongCode : fault.message}</p>`}
${passkey === undefined ? undefined : passkeyForm({ problem: account.passkeyProblem, action: `${path}/passkey`, label: account.usePasskey, options: passkey, answer: "passkey", fields: token })}
<form method="post" action="${path}/code" id="second-factor">
${token}<label for="code">${words.code}</label>
<input id="code" name="code" type="text" inputmode="text" autocomplete="one-time-code" required maxlength="64" aria-describedby="code-note">
<p class="note" id="code-note">${words.codeNote}</p>
<button type="submit" id="submit">${words.signIn}</button>
</form>
<p><a id="start-again" href="${startPath}">${words.startAgain}</a></p>
${client === undefined ? undefined : cancelForm(`${path}/decision`, words.cancel)}`;
  return layout(frame, { title: words.signIn, content, tail: passkey === undefined ? undefined : passkeyTail });
}
