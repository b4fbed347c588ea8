/**
 * Forms: labelled fields, what was wrong with them, and the summary above that leads to each.
 *
 * Rule: a field that was refused is marked, described by its problem, and linked to from the summary, which stands first
 * in the reading order.
 */
import { html, type Html } from "./html.ts";
import type { Fault } from "../fault.ts";
import type { AccountWords } from "./account-words.ts";
import { alertOf, english, type KnownRefusals } from "./refusal-text.ts";

export type Problems = ReadonlyMap<string, Html | string>;

interface FieldProblem {
  readonly field: string;
  readonly problem: string;
  /** Where a field can be wrong in several ways that need other words. */
  readonly reason: string | undefined;
}

function fieldProblems(fault: Fault | undefined): readonly FieldProblem[] {
  const fields: unknown = fault?.details?.["fields"];
  const list: readonly unknown[] = Array.isArray(fields) ? fields : [];
  return list.flatMap((each) => {
    if (typeof each !== "object" || each === null || !("field" in each) || !("problem" in each)) return [];
    return [{ field: String(each.field).replace(/^\//, ""), problem: String(each.problem), reason: "reason" in each ? String(each.reason) : undefined }];
  });
}

function wordsFor(words: AccountWords, { field, problem, reason }: FieldProblem): Html | string {
  if (reason === "common_password") return words.commonPassword;
  if (reason === "locked") return words.authenticatorLocked;
  return Object.entries(words.problems).find(([name]) => name === field)?.[1] ?? english(words.language, `${field}: ${problem}`);
}

/** What is wrong with which field, in the page's language. */
export function problemsOf(words: AccountWords, fault: Fault | undefined): Problems {
  return new Map(fieldProblems(fault).map((each) => [each.field, wordsFor(words, each)]));
}

/** The summary of what was refused; nothing when nothing was. */
export function summaryOf(words: AccountWords, fault: Fault | undefined, known: KnownRefusals = {}): Html | undefined {
  if (fault === undefined) return undefined;
  const problems = problemsOf(words, fault);
  if (problems.size === 0) return alertOf(words.language, fault, { rate_limited: words.tooMany, gone: words.gone, ...known });
  const items = [...problems].map(([field, problem]) => html`<li><a href="#${field}">${problem}</a></li>
`);
  return html`<div class="alert" role="alert" id="error"><p>${words.correct}</p><ul>${items}</ul></div>`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "email" | "password";
  readonly autocomplete: string;
  readonly note?: string;
  readonly value?: string | undefined;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** It may be left empty. */
  readonly isOptional?: boolean;
}

/** A labelled field, required unless it says otherwise. What was typed into a password is never shown again. */
export function field({ name, label, type = "text", autocomplete, note, value, minLength, maxLength = type === "email" ? 254 : 128, isOptional = false }: Field, problems: Problems = new Map()): Html {
  const problem = problems.get(name);
  const described = note === undefined && problem === undefined ? undefined : html` aria-describedby="${name}-note"`;
  const marked = problem === undefined ? undefined : html` aria-invalid="true"`;
  const shortest = minLength === undefined ? undefined : html` minlength="${minLength}"`;
  const about = problem === undefined ? note : html`<strong>${problem}</strong> ${note}`;
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}"${isOptional ? undefined : html` required`}${shortest} maxlength="${maxLength}" value="${type === "password" ? "" : (value ?? "")}"${described}${marked}>
${about === undefined ? undefined : html`<p class="note" id="${name}-note">${about}</p>
`}`;
}

/** One button that posts, looking like a link. */
export function quietForm({ action, id, label, ariaLabel }: { readonly action: string; readonly id: string; readonly label: string; readonly ariaLabel?: string }): Html {
  const named = ariaLabel === undefined ? undefined : html` aria-label="${ariaLabel}"`;
  return html`<form method="post" action="${action}" id="${id}"><button type="submit" class="quiet"${named}>${label}</button></form>`;
}

/** Whose the password beside it is, for password managers. Nobody sees or fills it in, and without a name it is not sent. */
export function usernameField(emailAddress: string): Html {
  return html`<input type="text" autocomplete="username" value="${emailAddress}" readonly hidden>`;
}
