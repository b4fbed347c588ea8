/** Sign-in with email address and password, or with a passkey. */
import { html, type Html } from "../../../dashboard/html.ts";
import { signInRefusals } from "../../../dashboard/pages.ts";
import { passkeyTail } from "../../../dashboard/passkey-question.ts";
import type { Fault } from "../../../fault.ts";
import type { RequestOptions } from "../../../identity/passkeys/options.ts";
import type { OfferedProvider } from "../../../identity/upstream/providers.ts";
import type { ShownClient } from "../../../oidc/authorization/interaction.ts";
import { type AccountWords, accountWordsIn } from "../../../dashboard/account-words.ts";
import { type Words, wordsIn } from "../../../dashboard/words.ts";
import { cancelForm, clientLinks, logo, signInReason } from "./client.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { alertOf } from "../../../dashboard/refusal-text.ts";
import { passkeyQuestion, passwordForm } from "../../../dashboard/sign-in-form.ts";

/** What else the page leads to. */
export interface Ways {
  /** People may sign up. */
  readonly signUp: boolean;
  /** A link for a new password comes by mail. */
  readonly passwordReset: boolean;
}

export interface SignIn {
  /** Undefined at the account's own pages. */
  readonly client: ShownClient | undefined;
  /** Path of the interaction. */
  readonly path: string;
  readonly emailAddress: string | undefined;
  /** What a passkey is asked; undefined where there can be none. */
  readonly passkey: RequestOptions | undefined;
  readonly ways: Ways;
  readonly fault?: Fault | undefined;
  /** What kept another way of signing in from going on, in its own words. */
  readonly notice?: Fault | undefined;
  readonly providers?: readonly OfferedProvider[];
}

function providerForm(words: Words, path: string, providers: readonly OfferedProvider[]): Html | undefined {
  if (providers.length === 0) return undefined;
  const buttons = providers.map(({ id, displayName }) => html`<button type="submit" class="quiet" id="upstream-${id}" name="provider" value="${id}">${words.continueWith(displayName)}</button>
`);
  return html`<form method="post" action="${path}/upstream" id="upstream">
${buttons}</form>`;
}

function wayLinks(words: AccountWords, { signUp, passwordReset }: Ways): Html | undefined {
  if (!signUp && !passwordReset) return undefined;
  const link = (id: string, address: string, text: string) => html`<a id="${id}" href="${address}">${text}</a> `;
  return html`<p>${passwordReset ? link("forgot-password", "/forgot-password", words.forgotPassword) : undefined}${signUp ? link("sign-up-link", "/sign-up", words.signUp) : undefined}</p>`;
}

export function signInPage(frame: Frame, { client, path, emailAddress, passkey, ways, fault, notice, providers = [] }: SignIn): Html {
  const { language } = frame;
  const words = wordsIn(language);
  const account = accountWordsIn(language);
  const content = html`<h1>${frame.deploymentName}</h1>
${client === undefined ? undefined : logo(client)}
<p>${client === undefined ? account.signInToAccount : signInReason(words, client)}</p>
${alertOf(language, fault, signInRefusals(language))}${alertOf(language, notice)}
${passwordForm(language, { action: `${path}/sign-in`, id: "sign-in", emailAddress, label: words.signIn })}
${passkey === undefined ? undefined : passkeyQuestion(language, { action: `${path}/passkey`, options: passkey })}
${providerForm(words, path, providers)}
${client === undefined ? undefined : cancelForm(`${path}/decision`, words.cancel)}
${wayLinks(account, ways)}
${client === undefined ? undefined : clientLinks(words, client)}`;
  return layout(frame, { title: words.signIn, content, tail: passkey === undefined ? undefined : passkeyTail });
}
