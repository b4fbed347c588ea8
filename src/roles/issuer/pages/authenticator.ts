/** The authenticator app: set up, changed, removed; and the recovery codes, which are shown once. */
import { html, type Html } from "../../../dashboard/html.ts";
import { qrCode } from "../../../dashboard/qr-code.ts";
import type { Fault } from "../../../fault.ts";
import type { Enrolment } from "../../../identity/second-factors.ts";
import { type AccountWords, accountWordsIn } from "../../../dashboard/account-words.ts";
import { type Field, field, type Problems, problemsOf, summaryOf } from "../../../dashboard/form.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { currentPasswordField } from "./new-password.ts";

const PATH = "/account/second-factor";

function codeField(words: AccountWords, note: string, problems: Problems): Html {
  const code: Field = { name: "code", label: words.code, autocomplete: "one-time-code", note, maxLength: 64 };
  return field(code, problems);
}

function back(words: AccountWords): Html {
  return html`<p><a id="back" href="/account">${words.back}</a></p>`;
}

/** Before one is set up: the password first. */
export function enrolPage(frame: Frame, fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<h1>${words.authenticator}</h1>
<p>${words.enrolText}</p>
${summaryOf(words, fault)}
<form method="post" action="${PATH}" id="enrol">
${currentPasswordField(frame, problemsOf(words, fault))}
<button type="submit" id="submit">${words.setUp}</button>
</form>
${back(words)}`;
  return layout(frame, { title: words.authenticator, content });
}

function enrolmentOf(words: AccountWords, { secret, otpauth_url }: Enrolment): Html {
  return html`<p>${words.scan}</p>
${qrCode(otpauth_url, words.qrLabel)}
<p>${words.typeSecret} <code id="secret">${secret.replace(/.{4}(?!$)/g, "$& ")}</code></p>`;
}

/** The key, once, and the first code. After a wrong code the app has the key, and it is not shown again. */
export function confirmPage(frame: Frame, { enrolment, fault }: { readonly enrolment?: Enrolment; readonly fault?: Fault }): Html {
  const words = accountWordsIn(frame.language);
  const problems = problemsOf(words, fault);
  const content = html`<h1>${words.authenticator}</h1>
${summaryOf(words, fault)}
${enrolment === undefined ? undefined : enrolmentOf(words, enrolment)}
<form method="post" action="${PATH}/confirm" id="confirm">
${codeField(words, words.firstCodeNote, problems)}
<button type="submit" id="submit">${words.confirm}</button>
</form>
<p><a id="back" href="${PATH}">${words.back}</a></p>`;
  return layout(frame, { title: words.authenticator, content });
}

/** What takes the password and a code: removing the app, and new recovery codes. */
export function provenPage(frame: Frame, deed: "remove" | "renew_codes", fault?: Fault): Html {
  const words = accountWordsIn(frame.language);
  const problems = problemsOf(words, fault);
  const { title, label, action } =
    deed === "remove"
      ? { title: words.authenticator, label: words.removeAuthenticator, action: `${PATH}/remove` }
      : { title: words.recoveryCodes, label: words.newCodes, action: "/account/recovery-codes" };
  const content = html`<h1>${title}</h1>
${deed === "remove" ? html`<p>${words.authenticatorOn}</p>` : undefined}
${summaryOf(words, fault)}
<form method="post" action="${action}" id="${deed === "remove" ? "remove" : "renew"}">
${currentPasswordField(frame, problems)}
${codeField(words, words.codeNote, problems)}
<button type="submit" id="submit">${label}</button>
</form>
${back(words)}`;
  return layout(frame, { title, content });
}

/** Shown once: whoever leaves the page has seen them for the last time. */
export function recoveryCodesPage(frame: Frame, codes: readonly string[]): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<h1>${words.recoveryCodes}</h1>
<p>${words.codesOnce}</p>
<ul id="codes">${codes.map((code) => html`<li><code>${code}</code></li>
`)}</ul>
<p><a id="kept" href="/account">${words.keptThem}</a></p>`;
  return layout(frame, { title: words.recoveryCodes, content });
}
