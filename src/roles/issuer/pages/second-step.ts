/** The second step of a sign-in: a code, or a passkey. */
import { html, type Html } from "../../../dashboard/html.ts";
import { passkeyTail } from "../../../dashboard/passkey-question.ts";
import type { Fault } from "../../../fault.ts";
import type { RequestOptions } from "../../../identity/passkeys/options.ts";
import type { ShownClient } from "../../../oidc/authorization/interaction.ts";
import { accountWordsIn } from "../../../dashboard/account-words.ts";
import { wordsIn } from "../../../dashboard/words.ts";
import { cancelForm, signInReason } from "./client.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { alertOf } from "../../../dashboard/refusal-text.ts";
import { secondStepForms } from "../../../dashboard/sign-in-form.ts";
import { secondStepRefusals } from "../../../dashboard/sign-in-steps.ts";

export interface SecondStep {
  /** Undefined at the account's own pages. */
  readonly client: ShownClient | undefined;
  readonly path: string;
  /** Where the sign-in begins anew. */
  readonly startPath: string;
  readonly stepToken: string;
  /** What the person's passkeys are asked; undefined when there is none. */
  readonly passkey: RequestOptions | undefined;
  readonly fault?: Fault | undefined;
}

export function codePage(frame: Frame, { client, path, startPath, stepToken, passkey, fault }: SecondStep): Html {
  const { language } = frame;
  const words = wordsIn(language);
  const content = html`<h1>${frame.deploymentName}</h1>
<p>${client === undefined ? accountWordsIn(language).signInToAccount : signInReason(words, client)}</p>
${alertOf(language, fault, secondStepRefusals(language))}
${secondStepForms(language, { path, stepToken, passkey })}
<p><a id="start-again" href="${startPath}">${words.startAgain}</a></p>
${client === undefined ? undefined : cancelForm(`${path}/decision`, words.cancel)}`;
  return layout(frame, { title: words.signIn, content, tail: passkey === undefined ? undefined : passkeyTail });
}
