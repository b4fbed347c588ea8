/**
 * The form that a passkey answers: hidden until the script has seen that the browser can, so a page without scripts shows
 * the other ways alone.
 */
import { html, type Html } from "../../../dashboard/html.ts";
import type { CreationOptions, RequestOptions } from "../../../identity/passkeys/options.ts";
import type { AccountWords } from "../account-words.ts";

/** Where the script is served. */
export const PASSKEY_SCRIPT = "/passkeys.js";

/** For the end of a page with such a form. */
export const passkeyTail = html`<script src="/passkeys.js"></script>`;

interface PasskeyForm {
  readonly action: string;
  readonly label: string;
  readonly options: CreationOptions | RequestOptions;
  /** Name of the field with the answer. */
  readonly answer: "passkey" | "credential";
  /** What else is asked or sent. */
  readonly fields?: Html;
}

export function passkeyForm(words: AccountWords, { action, label, options, answer, fields }: PasskeyForm): Html {
  const kind = answer === "credential" ? "create" : "get";
  return html`<form method="post" action="${action}" id="passkey" data-passkey="${kind}" data-options="${JSON.stringify(options)}" hidden>
${fields}<input type="hidden" name="${answer}" data-answer>
<p class="alert" role="alert" data-problem hidden>${words.passkeyProblem}</p>
<button type="submit" id="use-passkey"${kind === "get" ? html` class="second"` : undefined}>${label}</button>
</form>`;
}
