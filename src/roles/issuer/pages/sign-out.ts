/** Signing out: the question, and that it is done. */
import { html, type Html } from "../../../dashboard/html.ts";
import { wordsIn } from "../../../dashboard/words.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";

/** The question before signing out without a hint; `hidden` goes along with the yes. */
export function signOutPage(frame: Frame, action: string, hidden: Readonly<Record<string, string>>): Html {
  const words = wordsIn(frame.language);
  const fields = Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`);
  const content = html`<h1>${words.signOut}</h1>
<p>${words.signOutQuestion}</p>
<form method="post" action="${action}" id="sign-out">
${fields}<button type="submit" id="submit" name="answer" value="yes">${words.signOut}</button>
<button type="submit" class="quiet" id="stay" name="answer" value="no">${words.stay}</button>
</form>`;
  return layout(frame, { title: words.signOut, content });
}

export function signedOutPage(frame: Frame): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.signedOut}</h1>
<p id="signed-out">${words.signedOutText}</p>`;
  return layout(frame, { title: words.signedOut, content });
}
