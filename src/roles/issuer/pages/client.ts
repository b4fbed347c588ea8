/** What pages show about the client that somebody came from. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { ShownClient } from "../../../oidc/authorization/interaction.ts";
import type { Words } from "../../../dashboard/words.ts";

/** Registered addresses only; they were checked to be of the web when they were registered. */
export function clientLinks(words: Words, { policyUri, tosUri }: ShownClient): Html | undefined {
  if (policyUri === undefined && tosUri === undefined) return undefined;
  const link = (id: string, address: string | undefined, text: string) =>
    address === undefined ? undefined : html`<a id="${id}" href="${address}" rel="noopener noreferrer" target="_blank">${text}</a> `;
  return html`<p>${link("policy", policyUri, words.policy)}${link("terms", tosUri, words.terms)}</p>`;
}

/** What somebody signs in for: a client, or the page on which a device's code is typed. */
export function signInReason(words: Words, { name }: ShownClient): string {
  return name === "" ? words.signInForDevice : words.signInFor(name);
}

export function logo({ logoUri }: ShownClient): Html | undefined {
  return logoUri === undefined ? undefined : html`<img id="logo" src="${logoUri}" alt="" width="64" height="64" referrerpolicy="no-referrer">`;
}

/** The way back to the client with a no. */
export function cancelForm(action: string, label: string): Html {
  return html`<form method="post" action="${action}" id="cancel">
<button type="submit" class="quiet" id="deny" name="decision" value="deny">${label}</button>
</form>`;
}
