/** The form that carries an answer to a client. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { AuthorizationResponse } from "../../../oidc/authorization/response.ts";
import { wordsIn } from "../../../dashboard/words.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";

/** Pressed by the page itself where scripts run; its hash is in the page's policy. Without scripts there is the button. */
export const SUBMIT_SCRIPT = "document.forms[0].submit()";

/** OAuth 2.0 Form Post Response Mode section 2. */
export function formPostPage(frame: Frame, { redirectUri, parameters }: AuthorizationResponse): Html {
  const words = wordsIn(frame.language);
  const fields = Object.entries(parameters).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`);
  const content = html`<h1>${frame.deploymentName}</h1>
<form method="post" action="${redirectUri}" id="answer">
${fields}<button type="submit" id="submit">${words.goOn}</button>
</form>`;
  return layout(frame, { title: words.goOn, content, tail: html`<script>document.forms[0].submit()</script>` });
}
