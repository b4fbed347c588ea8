/** The pages of a device that asks: type its code, look at what it wants, decide; and what came of it. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import type { ShownDevice } from "../../../oidc/device/verification.ts";
import { wordsIn } from "../../../dashboard/words.ts";
import { clientLinks, logo } from "./client.ts";
import { neededList } from "./consent.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { alertOf } from "../../../dashboard/refusal-text.ts";

export interface DeviceCodeForm {
  /** Path of the device page. */
  readonly path: string;
  /** From the link, or as it was typed: still to be confirmed by whoever sees it. */
  readonly userCode: string | undefined;
  readonly fault?: Fault | undefined;
}

export function deviceCodePage(frame: Frame, { path, userCode, fault }: DeviceCodeForm): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.deviceTitle}</h1>
<p>${words.deviceNote}</p>
${alertOf(frame.language, fault, { not_found: words.wrongDeviceCode, rate_limited: words.tooMany })}
<form method="post" action="${path}" id="device">
<label for="user_code">${words.deviceCode}</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="32" value="${userCode ?? ""}">
<button type="submit" id="submit">${words.goOn}</button>
</form>`;
  return layout(frame, { title: words.deviceTitle, content });
}

export interface DeviceConsent {
  readonly path: string;
  readonly userCode: string;
  readonly device: ShownDevice;
}

export function deviceConsentPage(frame: Frame, { path, userCode, device }: DeviceConsent): Html {
  const words = wordsIn(frame.language);
  const { client, person, needed, address, askedAtMs } = device;
  const content = html`<h1>${words.allowTitle}</h1>
${logo(client)}
<p>${words.signedInAs} <strong id="who">${person.displayName}</strong> (${person.emailAddress}).</p>
<p id="asks">${words.asksFor(client.name)}</p>
${neededList(words, needed)}
<p>${words.deviceShows} <strong id="user-code">${userCode}</strong></p>
<p class="note" id="asked">${words.deviceAsked(new Date(askedAtMs).toISOString().slice(0, 16).replace("T", " "), address)}</p>
<p class="alert">${words.deviceWarning}</p>
<form method="post" action="${path}/decision" id="consent">
<input type="hidden" name="user_code" value="${userCode}">
<button type="submit" id="allow" name="decision" value="allow">${words.allow}</button>
<button type="submit" class="quiet" id="deny" name="decision" value="deny">${words.deny}</button>
</form>
${clientLinks(words, client)}`;
  return layout(frame, { title: words.allowTitle, content });
}

/** The end: what came of it, in a word. */
export function deviceDonePage(frame: Frame, isAllowed: boolean): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.deviceTitle}</h1>
<p id="${isAllowed ? "device-allowed" : "device-denied"}">${isAllowed ? words.deviceAllowed : words.deviceDenied}</p>`;
  return layout(frame, { title: words.deviceTitle, content });
}
