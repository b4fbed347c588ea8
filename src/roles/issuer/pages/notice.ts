/** What has been done, and where to go on. */
import { html, type Html } from "../../../dashboard/html.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";

export interface Notice {
  readonly title: string;
  readonly text: string;
  readonly link?: { readonly to: string; readonly text: string };
}

export function noticePage(frame: Frame, { title, text, link }: Notice): Html {
  const content = html`<h1>${title}</h1>
<p id="notice">${text}</p>
${link === undefined ? undefined : html`<p><a id="go-on" href="${link.to}">${link.text}</a></p>`}`;
  return layout(frame, { title, content });
}
