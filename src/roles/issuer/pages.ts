/**
 * The issuer's pages: sign-in, consent, sign-out, refusals, and the form that carries an answer to a client.
 *
 * Rule: pure. Values in, HTML out. Works with scripts off, at phone width and by keyboard; ids and names are stable,
 * because password managers and conformance suites rely on them.
 */
import { html, type Html } from "../../dashboard/html.ts";
import type { Fault } from "../../fault.ts";
import type { Person, ShownClient } from "../../oidc/authorization/interaction.ts";
import type { AuthorizationResponse } from "../../oidc/authorization/response.ts";
import { type Language, type Words, wordsIn } from "./words.ts";

/** What every page knows. */
export interface Frame {
  readonly deploymentName: string;
  readonly language: Language;
}

interface Layout {
  readonly title: string;
  readonly content: Html;
  readonly tail?: Html;
}

function layout({ deploymentName, language }: Frame, { title, content, tail }: Layout): Html {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${deploymentName}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
${content}
</main>
${tail}</body>
</html>
`;
}

function alertOf(words: Words, fault: Fault | undefined): Html | undefined {
  if (fault === undefined) return undefined;
  const known = { unauthenticated: words.wrong, invalid_request: words.wrong, rate_limited: words.tooMany, forbidden: words.otherSite };
  const text = Object.entries(known).find(([code]) => code === fault.code)?.[1];
  return html`<p class="alert" role="alert" id="error">${text ?? `${fault.message} ${fault.hint ?? ""}`}</p>`;
}

/** Registered addresses only; they were checked to be of the web when they were registered. */
function clientLinks(words: Words, { policyUri, tosUri }: ShownClient): Html | undefined {
  if (policyUri === undefined && tosUri === undefined) return undefined;
  const link = (id: string, address: string | undefined, text: string) =>
    address === undefined ? undefined : html`<a id="${id}" href="${address}" rel="noopener noreferrer" target="_blank">${text}</a> `;
  return html`<p>${link("policy", policyUri, words.policy)}${link("terms", tosUri, words.terms)}</p>`;
}

function logo({ logoUri }: ShownClient): Html | undefined {
  return logoUri === undefined ? undefined : html`<img id="logo" src="${logoUri}" alt="" width="64" height="64" referrerpolicy="no-referrer">`;
}

function cancelForm(action: string, label: string): Html {
  return html`<form method="post" action="${action}" id="cancel">
<button type="submit" class="quiet" id="deny" name="decision" value="deny">${label}</button>
</form>`;
}

export interface SignIn {
  readonly client: ShownClient;
  /** Path of the interaction. */
  readonly path: string;
  readonly emailAddress: string | undefined;
  readonly fault?: Fault | undefined;
}

export function signInPage(frame: Frame, { client, path, emailAddress, fault }: SignIn): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${frame.deploymentName}</h1>
${logo(client)}
<p>${words.signInFor(client.name)}</p>
${alertOf(words, fault)}
<form method="post" action="${path}/sign-in" id="sign-in">
<label for="email_address">${words.emailAddress}</label>
<input id="email_address" name="email_address" type="email" autocomplete="username" required maxlength="254" value="${emailAddress ?? ""}">
<label for="user_password">${words.password}</label>
<input id="user_password" name="user_password" type="password" autocomplete="current-password" required maxlength="128">
<button type="submit" id="submit">${words.signIn}</button>
</form>
${cancelForm(`${path}/decision`, words.cancel)}
${clientLinks(words, client)}`;
  return layout(frame, { title: words.signIn, content });
}

export interface SecondStep {
  readonly client: ShownClient;
  readonly path: string;
  readonly stepToken: string;
  readonly fault?: Fault | undefined;
}

/** The second factor. The step token opens nothing without the code. */
export function codePage(frame: Frame, { client, path, stepToken, fault }: SecondStep): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${frame.deploymentName}</h1>
<p>${words.signInFor(client.name)}</p>
${fault === undefined ? undefined : html`<p class="alert" role="alert" id="error">${fault.code === "unauthenticated" ? words.wrongCode : fault.message}</p>`}
<form method="post" action="${path}/code" id="second-factor">
<input type="hidden" name="step_token" value="${stepToken}">
<label for="code">${words.code}</label>
<input id="code" name="code" type="text" inputmode="text" autocomplete="one-time-code" required maxlength="64" aria-describedby="code-note">
<p class="note" id="code-note">${words.codeNote}</p>
<button type="submit" id="submit">${words.signIn}</button>
</form>
<p><a id="start-again" href="${path}">${words.startAgain}</a></p>
${cancelForm(`${path}/decision`, words.cancel)}`;
  return layout(frame, { title: words.signIn, content });
}

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

export function consentPage(frame: Frame, { client, path, person, needed }: Consent): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.allowTitle}</h1>
${logo(client)}
<p>${words.signedInAs} <strong id="who">${person.displayName}</strong> (${person.emailAddress}).</p>
<p id="asks">${words.asksFor(client.name)}</p>
<ul id="scopes">${needed.map((each) => html`<li data-scope="${each}">${neededText(words, each)}</li>
`)}</ul>
<p class="note">${words.canRevoke}</p>
<form method="post" action="${path}/decision" id="consent">
<input type="hidden" name="seen_by" value="${person.userId}">
<button type="submit" id="allow" name="decision" value="allow">${words.allow}</button>
<button type="submit" class="quiet" id="deny" name="decision" value="deny">${words.deny}</button>
</form>
${clientLinks(words, client)}`;
  return layout(frame, { title: words.allowTitle, content });
}

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

export function refusalPage(frame: Frame, fault: Fault): Html {
  const words = wordsIn(frame.language);
  const content = html`<h1>${words.refused}</h1>
<p class="alert" role="alert" id="error"><strong>${fault.message}</strong> ${fault.hint}</p>
<p class="note"><code id="error-code">${fault.code}</code></p>`;
  return layout(frame, { title: words.refused, content });
}

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
