/**
 * The question to a passkey, as a form: hidden until the script has seen that the browser can, so a page without scripts
 * shows the other ways alone.
 */
import type { CreationOptions, RequestOptions } from "../identity/passkeys/options.ts";
import { html, type Html, pageHeaders } from "./html.ts";
import script from "./passkey-form.js" with { type: "text" };

/** Where the script is served. */
export const PASSKEY_SCRIPT = "/passkeys.js";

/** The script, as an answer. */
export function passkeyScript(): Response {
  return new Response(script, { headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "max-age=3600" } });
}

/** For the end of a page with such a form. */
export const passkeyTail = html`<script src="/passkeys.js"></script>`;

/** The policy of a page with such a form, where it needs nothing else. */
export const passkeyPolicy = { "content-security-policy": pageHeaders["content-security-policy"].replace("default-src 'none';", "default-src 'none'; script-src 'self';") };

interface Question {
  readonly action: string;
  readonly label: string;
  /** Said when the passkey was not used. */
  readonly problem: string;
  readonly options: CreationOptions | RequestOptions;
  /** Name of the field with the answer. */
  readonly answer: "passkey" | "credential";
  /** What else is asked or sent. */
  readonly fields?: Html;
}

export function passkeyForm({ action, label, problem, options, answer, fields }: Question): Html {
  const kind = answer === "credential" ? "create" : "get";
  return html`<form method="post" action="${action}" id="passkey" data-passkey="${kind}" data-options="${JSON.stringify(options)}" hidden>
${fields}<input type="hidden" name="${answer}" data-answer>
<p class="alert" role="alert" data-problem hidden>${problem}</p>
<button type="submit" id="use-passkey"${kind === "get" ? html` class="second"` : undefined}>${label}</button>
</form>`;
}
