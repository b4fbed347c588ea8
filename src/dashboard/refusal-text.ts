/**
 * Why something is refused, in the page's language.
 *
 * Rule: the domain's own sentences are English. What people meet has words here, by reason or by code; everything else
 * stays English and is marked as such, for those who have pages read to them.
 */
import type { Fault, FaultCode } from "../fault.ts";
import { html, type Html } from "./html.ts";
import type { Language } from "./language.ts";

/** What a page says for a code in place of the domain's sentence. */
export type KnownRefusals = Readonly<Partial<Record<FaultCode, string>>>;

const license = "Die Lizenz dieser Installation lässt das zurzeit nicht zu. Wer die Installation betreibt, sieht den Grund auf der Übersicht.";

interface Spoken {
  readonly byReason: Readonly<Record<string, string>>;
  readonly byCode: KnownRefusals;
}

const german: Spoken = {
  byReason: {
    authenticator_locked: "Die Authenticator-App ist nach zu vielen falschen Codes gesperrt. Nehmen Sie einen Wiederherstellungscode, oder bitten Sie jemanden aus der Administration, den zweiten Faktor zurückzusetzen.",
    passkey_wrong: "Die Antwort des Passkeys ist nicht gut oder kam zu spät. Versuchen Sie es noch einmal.",
    passkey_locked: "Der Passkey ist nach zu vielen falschen Antworten gesperrt. Ein Wiederherstellungscode entsperrt ihn.",
    passkey_copied: "Von diesem Passkey scheint es eine Kopie zu geben, darum öffnet er nichts mehr. Melden Sie sich auf einem anderen Weg an und fügen Sie ihn neu hinzu.",
    step_over: "Diese Anmeldung ist vorbei: Sie ist abgeschlossen oder dauerte zu lange. Melden Sie sich noch einmal von vorn an.",
    other_site: "Das Formular kam von einer anderen Seite. Öffnen Sie diese Seite neu und senden Sie es von dort.",
    other_address: "Diese Einladung ist für eine andere Adresse als die Ihres Kontos. Melden Sie sich mit dem Konto der eingeladenen Adresse an.",
    address_not_proven: "Ihre Adresse ist noch nicht bestätigt. Lassen Sie sich dafür eine E-Mail schicken und nehmen Sie dann noch einmal an.",
  },
  byCode: {
    rate_limited: "Es gab zu viele Versuche. Warten Sie ein wenig und versuchen Sie es noch einmal.",
    gone: "Dieser Link gilt nicht mehr. Er gilt einmal und für kurze Zeit; lassen Sie sich einen neuen geben.",
    not_found: "Das gibt es hier nicht. Prüfen Sie die Adresse.",
    method_not_allowed: "Diese Adresse lässt sich so nicht aufrufen. Öffnen Sie die Seite davor noch einmal.",
    too_large: "Das ist zu groß. Senden Sie weniger.",
    quota_exceeded: "Mehr lässt die Lizenz dieser Installation nicht zu. Bitten Sie jemanden aus der Verwaltung, Platz zu schaffen.",
    feature_disabled: "Das ist in dieser Installation nicht eingeschaltet. Fragen Sie jemanden aus der Verwaltung.",
    unavailable: "Das geht gerade nicht. Versuchen Sie es in einer Minute noch einmal.",
    grace_over: license,
    expired: license,
    not_yet_valid: license,
    invalid: license,
    revoked: license,
    not_bound: license,
    clock_anomaly: license,
    rollback_suspected: license,
    missing: license,
  },
};

/** The domain's own sentences do, but where a page would say less by the code. */
const spokenEnglish: Spoken = {
  byReason: {
    authenticator_locked: "The authenticator is locked after too many wrong codes. Use a recovery code, or ask an administrator to reset the second factor.",
    passkey_wrong: "The passkey's answer is not good, or came too late. Try again.",
    passkey_locked: "The passkey is locked after too many wrong answers. A recovery code unlocks it.",
    passkey_copied: "There seems to be a copy of this passkey, so it opens nothing any more. Sign in in another way and add it anew.",
    step_over: "This sign-in is over: it was completed, or took too long. Sign in from the beginning.",
  },
  byCode: {},
};

const spoken: Readonly<Record<Language, Spoken>> = { en: spokenEnglish, de: german };

/** Words that stand alone begin with a capital and end with a full stop, also where their code's wording is fixed. */
export function sentence(words: string): string {
  const capital = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** `text`, which is English, on a page in `language`. */
export function english(language: Language, text: Html | string): Html {
  return language === "en" ? html`${text}` : html`<span lang="en">${text}</span>`;
}

/** The sentence of a refusal. `known` is what this page says for a code, and goes before all else but the reason. */
export function refusalText(language: Language, fault: Fault, known: KnownRefusals = {}): Html {
  const { byReason, byCode } = spoken[language];
  const reason = String(fault.details?.["reason"] ?? "");
  const said = (Object.hasOwn(byReason, reason) ? byReason[reason] : undefined) ?? known[fault.code] ?? byCode[fault.code];
  if (said !== undefined) return html`${said}`;
  return english(language, html`<strong>${sentence(fault.message)}</strong> ${fault.hint}`);
}

/** The refusal above a form; nothing when nothing was refused. */
export function alertOf(language: Language, fault: Fault | undefined, known: KnownRefusals = {}): Html | undefined {
  return fault === undefined ? undefined : html`<p class="alert" role="alert" id="error">${refusalText(language, fault, known)}</p>`;
}
