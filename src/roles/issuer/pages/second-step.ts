/** The second step of a sign-in. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import type { ShownClient } from "../../../oidc/authorization/interaction.ts";
import { wordsIn } from "../words.ts";
import { cancelForm, signInReason } from "./client.ts";
import { type Frame, layout } from "./frame.ts";

export interface SecondStep {
  readonly client: ShownClient;
  readonly path: string;
  readonly stepToken: string;
  readonly fault?: Fault | undefined;
}

/** The second factor. The step token opens nothing without the code. */
export function codePage(frame: Frame, { client, path, stepToken, fault }: SecondStep): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${frame.deploymentName}</h1>
<p>${signInReason(words, client)}</p>
${fault === undefined ? undefined : html`<p class="alert" role="alert" id="error">${fault.code === "unauthenticated" ? words.wrongCode : fault.message}</p>`}
<form method="post" action="${path}/code" id="second-factor">
<input type="hidden" name="step_token" value="${stepToken}">
<label for="code">${words.code}</label>
<input id="code" name="code" type="text" inputmode="text" autocomplete="one-time-code" required maxlength="64" aria-describedby="code-note">
<p class="note" id="code-note">${words.codeNote}</p>
<button type="submit" id="submit">${words.signIn}</button>
</form>
<p><a id="start-again" href="${path}">${words.startAgain}</a></p>
${cancelForm(`${path}/decision`, words.cancel)}`;
  return layout(frame, { title: words.signIn, content });
}
