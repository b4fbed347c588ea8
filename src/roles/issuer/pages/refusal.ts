/** What did not work, and why. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import { wordsIn } from "../words.ts";
import { type Frame, layout } from "./frame.ts";

export function refusalPage(frame: Frame, fault: Fault, back?: string): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.refused}</h1>
<p class="alert" role="alert" id="error"><strong>${fault.message}</strong> ${fault.hint}</p>
<p class="note"><code id="error-code">${fault.code}</code></p>
${back === undefined ? undefined : html`<p><a id="start-again" href="${back}">${words.startAgain}</a></p>`}`;
  return layout(frame, { title: words.refused, content });
}
