/** Sign-in with email address and password. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import type { ShownClient } from "../../../oidc/authorization/interaction.ts";
import { wordsIn } from "../words.ts";
import { cancelForm, clientLinks, logo, signInReason } from "./client.ts";
import { alertOf, type Frame, layout } from "./frame.ts";

export interface SignIn {
  readonly client: ShownClient;
  /** Path of the interaction. */
  readonly path: string;
  readonly emailAddress: string | undefined;
  readonly fault?: Fault | undefined;
}

export function signInPage(frame: Frame, { client, path, emailAddress, fault }: SignIn): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${frame.deploymentName}</h1>
${logo(client)}
<p>${signInReason(words, client)}</p>
${alertOf(words, fault)}
<form method="post" action="${path}/sign-in" id="sign-in">
<label for="email_address">${words.emailAddress}</label>
<input id="email_address" name="email_address" type="email" autocomplete="username" required maxlength="254" value="${emailAddress ?? ""}">
<label for="user_password">${words.password}</label>
<input id="user_password" name="user_password" type="password" autocomplete="current-password" required maxlength="128">
<button type="submit" id="submit">${words.signIn}</button>
</form>
${cancelForm(`${path}/decision`, words.cancel)}
${clientLinks(words, client)}`;
  return layout(frame, { title: words.signIn, content });
}
