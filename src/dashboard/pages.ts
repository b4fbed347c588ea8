/**
 * The pages of the first hour: set-up, sign-in, overview, refusal. Each says what to do next.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import { type Entitlements, licenseStates } from "../license/entitlements.ts";
import { accountWordsIn } from "./account-words.ts";
import { field, problemsOf, summaryOf } from "./form.ts";
import { type Frame, layout } from "./frame.ts";
import { html, type Html } from "./html.ts";
import type { Language } from "./language.ts";
import { type PageWords, pageWordsIn } from "./page-words.ts";
import { alertOf, english, type KnownRefusals, refusalText, sentence } from "./refusal-text.ts";
import { passwordForm } from "./sign-in-form.ts";
import { wordsIn } from "./words.ts";

/** What was typed into the set-up form, without the password: shown again when something was refused. */
export interface SetupDraft {
  readonly deployment_name?: string | undefined;
  readonly team_name?: string | undefined;
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly email_address?: string | undefined;
}

export function setupPage(frame: Frame, draft: SetupDraft, fault?: Fault): Html {
  const words = pageWordsIn(frame.language);
  const account = accountWordsIn(frame.language);
  const problems = problemsOf(account, fault);
  const content = html`<h1>${words.setUpHeading}</h1>
<p>${words.setUpText}</p>
${summaryOf(account, fault)}
<form method="post" id="setup">
${field({ name: "deployment_name", label: words.deploymentName, autocomplete: "organization", value: draft.deployment_name }, problems)}
${field({ name: "team_name", label: words.firstTeam, autocomplete: "off", value: draft.team_name, note: words.firstTeamNote }, problems)}
${field({ name: "first_name", label: account.firstName, autocomplete: "given-name", value: draft.first_name }, problems)}
${field({ name: "last_name", label: account.lastName, autocomplete: "family-name", value: draft.last_name }, problems)}
${field({ name: "email_address", label: account.emailAddress, type: "email", autocomplete: "username", value: draft.email_address }, problems)}
${field({ name: "user_password", label: account.password, type: "password", autocomplete: "new-password", minLength: 8, note: account.passwordNote }, problems)}
<button type="submit" id="submit">${words.setUp}</button>
</form>`;
  return layout(frame, { title: words.setUpTitle, content });
}

/** A provider's sign-in as a page offers it. */
export interface Offered {
  readonly id: string;
  readonly displayName: string;
}

export interface SignInDraft {
  readonly emailAddress?: string | undefined;
  readonly providers: readonly Offered[];
}

/** What a sign-in form says for what it is refused for. */
export function signInRefusals(language: Language): KnownRefusals {
  const { wrong, tooMany } = wordsIn(language);
  return { unauthenticated: wrong, invalid_request: wrong, rate_limited: tooMany };
}

export function signInPage(frame: Frame, { emailAddress, providers }: SignInDraft, fault?: Fault): Html {
  const { language, deploymentName } = frame;
  const words = wordsIn(language);
  const content = html`<h1>${deploymentName}</h1>
<p>${pageWordsIn(language).signInText}</p>
${alertOf(language, fault, signInRefusals(language))}
${passwordForm(language, { action: "/sign-in", id: "sign-in", emailAddress, label: words.signIn })}
<p><a id="issuer-sign-in" href="/sign-in/issuer">${pageWordsIn(language).signInOnce}</a></p>
${providers.map(({ id, displayName }) => html`<p><a id="upstream-${id}" href="/sign-in/upstream/${id}">${words.continueWith(displayName)}</a></p>
`)}`;
  return layout(frame, { title: words.signIn, content });
}

export function notSetUpPage(frame: Frame): Html {
  const words = pageWordsIn(frame.language);
  const content = html`<h1>${words.notSetUp}</h1>
<p>${words.notSetUpText}</p>
<p>${words.notSetUpHelp}</p>
<pre><code>cyberun admin setup-link</code></pre>`;
  return layout(frame, { title: words.notSetUp, content });
}

/** What a set-up link shows once the deployment is set up, by this link or another. */
export function alreadySetUpPage(frame: Frame): Html {
  const words = pageWordsIn(frame.language);
  const content = html`<h1>${words.alreadySetUp}</h1>
<p>${words.alreadySetUpText}</p>
<p><a href="/sign-in">${wordsIn(frame.language).signIn}</a></p>
<p>${words.alreadySetUpHelp}</p>
<pre><code>cyberun admin create</code></pre>`;
  return layout(frame, { title: words.alreadySetUp, content });
}

export interface Refusal {
  readonly fault: Fault;
  readonly known?: KnownRefusals;
  /** Where to go on from here; nowhere where every page needs more than the address. */
  readonly back?: { readonly to: string; readonly text: string } | undefined;
}

/** What did not work, and why. */
export function refusalPage(frame: Frame, { fault, known, back }: Refusal): Html {
  const { refused } = wordsIn(frame.language);
  const content = html`<h1>${refused}</h1>
<p class="alert" role="alert" id="error">${refusalText(frame.language, fault, known)}</p>
<p class="note"><code id="error-code">${fault.code}</code></p>
${back === undefined ? undefined : html`<p><a id="start-again" href="${back.to}">${back.text}</a></p>`}`;
  return layout(frame, { title: refused, content });
}

/** The same at the API server, whose start leads everybody on. */
export function refusalWithStart(frame: Frame, fault: Fault, known: KnownRefusals = {}): Html {
  return refusalPage(frame, { fault, known, back: { to: "/", text: pageWordsIn(frame.language).toStart } });
}

function day(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function licenseSection(language: Language, { state, reason, license }: Entitlements): Html {
  const words = pageWordsIn(language);
  const says = reason === undefined || language !== "en" ? words.licenseSays[state] : sentence(reason);
  return html`<section aria-labelledby="license">
<h2 id="license">${words.license}</h2>
<p class="state ${licenseStates[state].open ? "good" : "bad"}" id="license-state">${state}</p>
<p>${says} ${words.licenseRemedies[state]}${reason === undefined || language === "en" ? undefined : html` ${english(language, sentence(reason))}`}</p>
${license === undefined ? undefined : html`<dl>
<dt>${words.licenseFor}</dt><dd>${license.customerName}</dd>
<dt>${words.template}</dt><dd>${license.template}</dd>
<dt>${words.ends}</dt><dd><time>${day(license.expiresAt)}</time></dd>
<dt>${words.license}</dt><dd><code>${license.licenseId}</code>, ${words.sequence(license.sequence)}</dd>
</dl>`}
</section>`;
}

/** A key that may be broken at its underscores, for narrow screens. */
function key(name: string): Html {
  const parts = name.split("_");
  return html`<code>${parts.map((part, index) => (index < parts.length - 1 ? html`${part}_<wbr>` : html`${part}`))}</code>`;
}

function featureRows(words: PageWords, { state, features }: Entitlements): readonly Html[] {
  return (["global", "account", "team"] as const).flatMap((namespace) =>
    Object.entries(features[namespace])
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, on]) => html`<tr><td>${key(name)}</td><td>${namespace}</td><td>${on && licenseStates[state].open ? words.on : words.off}</td></tr>
`),
  );
}

export interface Overview {
  readonly displayName: string;
  readonly teams: readonly { readonly id: string; readonly display_name: string }[];
  readonly entitlements: Entitlements;
  /** Address of the dashboard's script. */
  readonly script: string;
}

/** The dashboard where scripts run; where they do not, or the server has trouble with them, what matters most. */
export function overviewPage(frame: Frame, { displayName, teams, entitlements, script }: Overview): Html {
  const { language, deploymentName } = frame;
  const words = pageWordsIn(language);
  const content = html`<header>
<h1>${deploymentName}</h1>
<form method="post" action="/sign-out"><span id="who">${displayName}</span> <button type="submit" class="quiet" id="sign-out">${wordsIn(language).signOut}</button></form>
</header>
${licenseSection(language, entitlements)}
<section aria-labelledby="teams">
<h2 id="teams">${words.teams}</h2>
<ul>${teams.map((team) => html`<li>${team.display_name} <code>${team.id}</code></li>
`)}</ul>
</section>
<section aria-labelledby="features">
<h2 id="features">${words.features}</h2>
${licenseStates[entitlements.state].open ? undefined : html`<p>${words.featuresOff}</p>`}
<table>
<thead><tr><th scope="col">${words.feature}</th><th scope="col">${words.scope}</th><th scope="col">${words.state}</th></tr></thead>
<tbody>${featureRows(words, entitlements)}</tbody>
</table>
</section>
<p><a href="/docs">${words.handbook}</a> · <a href="/docs/api">${words.reference}</a></p>
<noscript><p class="note" id="needs-scripts">${words.needsScripts}</p></noscript>`;
  return layout(frame, { title: words.overview, content, script });
}
