/**
 * The dashboard's steps after a first proof. All other pages on which people look after their ways in are the issuer's.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import type { RequestOptions } from "../identity/passkeys/options.ts";
import { type Frame, layout } from "./frame.ts";
import { html, type Html } from "./html.ts";
import type { Language } from "./language.ts";
import { pageWordsIn } from "./page-words.ts";
import { passkeyTail } from "./passkey-question.ts";
import { alertOf, type KnownRefusals } from "./refusal-text.ts";
import { secondStepForms } from "./sign-in-form.ts";
import { wordsIn } from "./words.ts";

export interface SecondStep {
  readonly stepToken: string;
  /** What the person's passkeys are asked; undefined where they cannot be asked here. */
  readonly passkey?: RequestOptions | undefined;
}

/** What a second step says for what it is refused for. */
export function secondStepRefusals(language: Language): KnownRefusals {
  const { wrongCode, tooMany } = wordsIn(language);
  return { unauthenticated: wrongCode, invalid_request: wrongCode, rate_limited: tooMany };
}

/** Asks for the code of the second factor, or a passkey; nobody is signed in yet. */
export function secondStepPage(frame: Frame, { stepToken, passkey }: SecondStep, fault?: Fault): Html {
  const { language, deploymentName } = frame;
  const words = pageWordsIn(language);
  const content = html`<h1>${deploymentName}</h1>
<p>${words.signInText}</p>
${alertOf(language, fault, secondStepRefusals(language))}
${secondStepForms(language, { path: "/sign-in", stepToken, passkey })}
<p><a href="/sign-in">${words.signInAsOther}</a></p>`;
  return layout(frame, { title: wordsIn(language).signIn, content, tail: passkey === undefined ? undefined : passkeyTail });
}

/** Leads on by itself, and by a link where it does not: from here on the browser sends the cookies that it keeps from other sites' links. */
export function goOnPage(frame: Frame, path: string, heading: string): Html {
  const content = html`<h1>${heading}</h1>
<p><a id="go-on" href="${path}">${wordsIn(frame.language).goOn}</a></p>`;
  return layout(frame, { title: heading, content, leadsTo: path });
}
