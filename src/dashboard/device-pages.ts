/**
 * The pages on which a person pairs a device: type its code, see what asks and choose the team, and what came of it.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import { accountWordsIn } from "./account-words.ts";
import { type Field, field, problemsOf, summaryOf } from "./form.ts";
import { type Frame, layout } from "./frame.ts";
import { html, type Html } from "./html.ts";
import type { Language } from "./language.ts";
import { type PageWords, pageWordsIn } from "./page-words.ts";
import { alertOf, type KnownRefusals } from "./refusal-text.ts";
import { wordsIn } from "./words.ts";

export interface PairingCode {
  /** From the link, or as it was typed: still to be confirmed by whoever sees it. */
  readonly userCode: string | undefined;
  readonly fault?: Fault | undefined;
}

function refusalsOf(language: Language): KnownRefusals {
  return { not_found: wordsIn(language).wrongDeviceCode, rate_limited: wordsIn(language).tooMany };
}

function toStart(words: PageWords): Html {
  return html`<p><a href="/">${words.toStart}</a></p>`;
}

export function pairingCodePage(frame: Frame, { userCode, fault }: PairingCode): Html {
  const words = pageWordsIn(frame.language);
  const device = wordsIn(frame.language);
  const content = html`<h1>${words.pairTitle}</h1>
<p>${device.deviceNote}</p>
${alertOf(frame.language, fault, refusalsOf(frame.language))}
<form method="post" action="/desktop/pair" id="pair">
<label for="user_code">${device.deviceCode}</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="32" value="${userCode ?? ""}">
<button type="submit" id="submit">${device.goOn}</button>
</form>
${toStart(words)}`;
  return layout(frame, { title: words.pairTitle, content });
}

export interface PairingChoice {
  readonly userCode: string;
  readonly personName: string;
  /** Where the device asked from. */
  readonly address: string | null;
  /** ISO 8601. */
  readonly askedAt: string;
  readonly teams: readonly { readonly id: string; readonly display_name: string }[];
  /** What was chosen and typed before something was refused. */
  readonly teamId?: string | undefined;
  readonly deviceName?: string | undefined;
  readonly fault?: Fault | undefined;
}

function teamChoice(words: PageWords, { teams, teamId }: PairingChoice): Html {
  const chosen = teamId ?? teams[0]?.id;
  return html`<fieldset id="teams">
<legend>${words.team}</legend>
${teams.map(({ id, display_name }) => html`<label><input type="radio" name="team_id" value="${id}" required${id === chosen ? html` checked` : undefined}> ${display_name}</label>
`)}</fieldset>`;
}

function approval({ language }: Frame, choice: PairingChoice): Html {
  const words = pageWordsIn(language);
  if (choice.teams.length === 0) return html``;
  const name: Field = { name: "device_name", label: words.deviceName, autocomplete: "off", maxLength: 100, value: choice.deviceName, note: words.deviceNameNote, isOptional: true };
  return html`${teamChoice(words, choice)}
${field(name, problemsOf(accountWordsIn(language), choice.fault))}
<button type="submit" id="approve" name="decision" value="approve">${words.pair}</button>`;
}

export function pairingChoicePage(frame: Frame, choice: PairingChoice): Html {
  const { userCode, personName, address, askedAt, teams, fault } = choice;
  const { language } = frame;
  const words = pageWordsIn(language);
  const device = wordsIn(language);
  const content = html`<h1>${words.pairQuestion}</h1>
${summaryOf(accountWordsIn(language), fault, refusalsOf(language))}
<p>${device.signedInAs} <strong id="who">${personName}</strong>. ${words.pairText}</p>
<p>${device.deviceShows} <strong id="user-code">${userCode}</strong></p>
<p class="note" id="asked">${device.deviceAsked(askedAt.slice(0, 16).replace("T", " "), address ?? undefined)}</p>
<p class="alert">${words.pairWarning}</p>
${teams.length === 0 ? html`<p id="no-team">${words.noTeam}</p>` : undefined}
<form method="post" action="/desktop/pair/decision" id="decision">
<input type="hidden" name="user_code" value="${userCode}">
${approval(frame, choice)}
<button type="submit" class="quiet" id="refuse" name="decision" value="refuse" formnovalidate>${words.refuse}</button>
</form>`;
  return layout(frame, { title: words.pairTitle, content });
}

/** The end: what came of it. */
export function pairingDonePage(frame: Frame, isPaired: boolean): Html {
  const words = pageWordsIn(frame.language);
  const content = html`<h1>${isPaired ? words.paired : words.refused}</h1>
<p id="${isPaired ? "paired" : "refused"}">${isPaired ? words.pairedText : words.refusedText}</p>
${toStart(words)}`;
  return layout(frame, { title: words.pairTitle, content });
}
