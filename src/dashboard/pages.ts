/**
 * The pages of the first hour: set-up, sign-in, overview, refusal. Each says what to do next.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import { type Entitlements, licenseRemedies, licenseStates } from "../license/entitlements.ts";
import { html, type Html } from "./html.ts";

export function layout(title: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Cyberun</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
}

export function alert(fault: Fault | undefined): Html | undefined {
  if (fault === undefined) return undefined;
  if (problemsOf(fault).size > 0) return html`<p class="alert" role="alert"><strong>Something is missing or not allowed.</strong> Correct what is marked below.</p>`;
  return html`<p class="alert" role="alert"><strong>${sentence(fault.message)}</strong> ${fault.hint}</p>`;
}

/** Words that stand alone begin with a capital and end with a full stop, also where their code's wording is fixed. */
function sentence(words: string): string {
  return sentenceEnd(`${words.charAt(0).toUpperCase()}${words.slice(1)}`);
}

/** What completes a sentence, and ends it. */
function sentenceEnd(words: string): string {
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

/** What is wrong with which field, so that it is said where the field is. */
export function problemsOf(fault: Fault | undefined): ReadonlyMap<string, string> {
  const fields: unknown = fault?.details?.["fields"];
  const list: readonly unknown[] = Array.isArray(fields) ? fields : [];
  const found = new Map<string, string>();
  for (const each of list) {
    if (typeof each !== "object" || each === null || !("field" in each) || !("problem" in each)) continue;
    found.set(String(each.field).replace(/^\//, ""), String(each.problem));
  }
  return found;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: "text" | "email" | "password";
  readonly autocomplete: string;
  readonly note?: string;
  readonly value?: string | undefined;
  readonly minLength?: number;
}

export function field({ name, label, type, autocomplete, note, value, minLength }: Field, problems: ReadonlyMap<string, string>): Html {
  const problem = problems.get(name);
  const noted = note === undefined && problem === undefined ? undefined : html` aria-describedby="${name}-note"`;
  const marked = problem === undefined ? undefined : html` aria-invalid="true"`;
  const words = problem === undefined ? note : html`<strong>${label} ${sentenceEnd(problem)}</strong> ${note}`;
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required maxlength="${type === "email" ? 254 : 128}" minlength="${minLength ?? 1}" value="${value ?? ""}"${noted}${marked}>
${words === undefined ? undefined : html`<p class="note" id="${name}-note">${words}</p>`}`;
}

/** What was typed into the set-up form, without the password: shown again when something was refused. */
export interface SetupDraft {
  readonly deployment_name?: string | undefined;
  readonly team_name?: string | undefined;
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly email_address?: string | undefined;
}

export function setupPage(draft: SetupDraft, fault?: Fault): Html {
  const problems = problemsOf(fault);
  return layout(
    "Set up",
    html`<h1>Set up this deployment</h1>
<p>You become its first administrator. This link works once.</p>
${alert(fault)}
<form method="post" id="setup">
${field({ name: "deployment_name", label: "Name of the deployment", type: "text", autocomplete: "organization", value: draft.deployment_name }, problems)}
${field({ name: "team_name", label: "First team", type: "text", autocomplete: "off", value: draft.team_name, note: "Everything belongs to a team. More can follow." }, problems)}
${field({ name: "first_name", label: "First name", type: "text", autocomplete: "given-name", value: draft.first_name }, problems)}
${field({ name: "last_name", label: "Last name", type: "text", autocomplete: "family-name", value: draft.last_name }, problems)}
${field({ name: "email_address", label: "Email address", type: "email", autocomplete: "username", value: draft.email_address }, problems)}
${field({ name: "user_password", label: "Password", type: "password", autocomplete: "new-password", minLength: 8, note: "8 to 128 characters. Nobody can read it back." }, problems)}
<button type="submit" id="submit">Set up</button>
</form>`,
  );
}

/** A provider's sign-in as a page offers it. */
export interface Offered {
  readonly id: string;
  readonly displayName: string;
}

export interface SignInDraft {
  readonly deploymentName: string;
  readonly emailAddress?: string | undefined;
  readonly providers: readonly Offered[];
}

export function signInPage({ deploymentName, emailAddress, providers }: SignInDraft, fault?: Fault): Html {
  const problems = problemsOf(fault);
  return layout(
    "Sign in",
    html`<h1>${deploymentName}</h1>
<p>Sign in to go on.</p>
${alert(fault)}
<form method="post" action="/sign-in" id="sign-in">
${field({ name: "email_address", label: "Email address", type: "email", autocomplete: "username", value: emailAddress }, problems)}
${field({ name: "user_password", label: "Password", type: "password", autocomplete: "current-password" }, problems)}
<button type="submit" id="submit">Sign in</button>
</form>
${providers.map(({ id, displayName }) => html`<p><a id="upstream-${id}" href="/sign-in/upstream/${id}">Continue with ${displayName}</a></p>
`)}`,
  );
}

export function notSetUpPage(): Html {
  return layout(
    "Not set up yet",
    html`<h1>Not set up yet</h1>
<p>Open the set-up link that was printed when the server started. It works once and for a short time.</p>
<p>If it is gone, make a new one on the host:</p>
<pre><code>cyberun admin setup-link</code></pre>`,
  );
}

/** What a set-up link shows once the deployment is set up, by this link or another. */
export function alreadySetUpPage(): Html {
  return layout(
    "Already set up",
    html`<h1>Already set up</h1>
<p>This set-up link is not good any more: the deployment has its first administrator.</p>
<p><a href="/sign-in">Sign in</a></p>
<p>If nobody can sign in, make another administrator on the host:</p>
<pre><code>cyberun admin create</code></pre>`,
  );
}

export function refusalPage(fault: Fault): Html {
  return layout(
    "Refused",
    html`<h1>This did not work</h1>
${alert(fault)}
<p><a href="/">Back to the start</a></p>`,
  );
}

function day(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function licenseSection({ state, reason, license }: Entitlements): Html {
  return html`<section aria-labelledby="license">
<h2 id="license">License</h2>
<p class="state ${licenseStates[state].open ? "good" : "bad"}" id="license-state">${state}</p>
<p>${sentence(reason ?? licenseStates[state].says)} ${licenseRemedies[state]}</p>
${license === undefined ? undefined : html`<dl>
<dt>For</dt><dd>${license.customerName}</dd>
<dt>Template</dt><dd>${license.template}</dd>
<dt>Ends</dt><dd><time>${day(license.expiresAt)}</time></dd>
<dt>License</dt><dd><code>${license.licenseId}</code>, sequence ${license.sequence}</dd>
</dl>`}
</section>`;
}

/** A key that may be broken at its underscores, for narrow screens. */
function key(name: string): Html {
  const parts = name.split("_");
  return html`<code>${parts.map((part, index) => (index < parts.length - 1 ? html`${part}_<wbr>` : html`${part}`))}</code>`;
}

function featureRows({ state, features }: Entitlements): readonly Html[] {
  return (["global", "account", "team"] as const).flatMap((namespace) =>
    Object.entries(features[namespace])
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, on]) => html`<tr><td>${key(name)}</td><td>${namespace}</td><td>${on && licenseStates[state].open ? "on" : "off"}</td></tr>
`),
  );
}

export interface Overview {
  readonly deploymentName: string;
  readonly displayName: string;
  readonly teams: readonly { readonly id: string; readonly display_name: string }[];
  readonly entitlements: Entitlements;
}

export function overviewPage({ deploymentName, displayName, teams, entitlements }: Overview): Html {
  return layout(
    "Overview",
    html`<header>
<h1>${deploymentName}</h1>
<form method="post" action="/sign-out"><span id="who">${displayName}</span> <button type="submit" class="quiet" id="sign-out">Sign out</button></form>
</header>
${licenseSection(entitlements)}
<section aria-labelledby="teams">
<h2 id="teams">Teams</h2>
<ul>${teams.map((team) => html`<li>${team.display_name} <code>${team.id}</code></li>
`)}</ul>
</section>
<section aria-labelledby="features">
<h2 id="features">Features</h2>
${licenseStates[entitlements.state].open ? undefined : html`<p>All are off until the license is good again. Signing in and reading go on.</p>`}
<table>
<thead><tr><th scope="col">Feature</th><th scope="col">Scope</th><th scope="col">State</th></tr></thead>
<tbody>${featureRows(entitlements)}</tbody>
</table>
</section>
<p><a href="/docs/api">API reference</a></p>`,
  );
}
