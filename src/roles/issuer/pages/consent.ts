/** What a client asks for, and the choice. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Person, ShownClient } from "../../../oidc/authorization/interaction.ts";
import { type Words, wordsIn } from "../../../dashboard/words.ts";
import { clientLinks, logo } from "./client.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";

export interface Consent {
  readonly client: ShownClient;
  readonly path: string;
  readonly person: Person;
  readonly needed: readonly string[];
}

const RESOURCE = "resource:";

function neededText(words: Words, needed: string): string {
  if (needed.startsWith(RESOURCE)) return words.resource(needed.slice(RESOURCE.length));
  return Object.entries(words.scopes).find(([scope]) => scope === needed)?.[1] ?? words.otherScope(needed);
}

/** What is asked for, in words. */
export function neededList(words: Words, needed: readonly string[]): Html {
  return html`<ul id="scopes">${needed.map((each) => html`<li data-scope="${each}">${neededText(words, each)}</li>
`)}</ul>`;
}

export function consentPage(frame: Frame, { client, path, person, needed }: Consent): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.allowTitle}</h1>
${logo(client)}
<p>${words.signedInAs} <strong id="who">${person.displayName}</strong> (${person.emailAddress}).</p>
<p id="asks">${words.asksFor(client.name)}</p>
${neededList(words, needed)}
<p class="note">${words.canRevoke}</p>
<form method="post" action="${path}/decision" id="consent">
<input type="hidden" name="seen_by" value="${person.userId}">
<button type="submit" id="allow" name="decision" value="allow">${words.allow}</button>
<button type="submit" class="quiet" id="deny" name="decision" value="deny">${words.deny}</button>
</form>
${clientLinks(words, client)}`;
  return layout(frame, { title: words.allowTitle, content });
}
