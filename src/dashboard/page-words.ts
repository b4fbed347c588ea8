/**
 * The words of the API server's own pages, once for each language: set-up, overview, invitation, pairing, refusals.
 *
 * Rule: a language has every word or does not compile. Names and roles, features and states are keys of the API and stand
 * as they are. What the pages share with the issuer's is in words.ts and account-words.ts.
 */
import { type LicenseState, licenseRemedies } from "../license/entitlements.ts";
import type { Language } from "./language.ts";

export interface PageWords {
  readonly signInText: string;
  /** The link to the sign-in that other programs use too. */
  readonly signInOnce: string;
  readonly signInAsOther: string;
  readonly signedInHeading: string;
  readonly oneMoment: string;
  readonly toStart: string;
  readonly setUpTitle: string;
  readonly setUpHeading: string;
  readonly setUpText: string;
  readonly deploymentName: string;
  readonly firstTeam: string;
  readonly firstTeamNote: string;
  readonly setUp: string;
  readonly notSetUp: string;
  readonly notSetUpText: string;
  readonly notSetUpHelp: string;
  readonly setUpGone: string;
  readonly alreadySetUp: string;
  readonly alreadySetUpText: string;
  readonly alreadySetUpHelp: string;
  readonly overview: string;
  readonly license: string;
  /** What a state means, and what to do about it. */
  readonly licenseSays: Readonly<Record<LicenseState, string>>;
  readonly licenseRemedies: Readonly<Record<LicenseState, string>>;
  readonly licenseFor: string;
  readonly template: string;
  readonly ends: string;
  readonly sequence: (number: number) => string;
  readonly teams: string;
  readonly features: string;
  readonly featuresOff: string;
  readonly feature: string;
  readonly scope: string;
  readonly state: string;
  readonly on: string;
  readonly off: string;
  readonly reference: string;
  readonly handbook: string;
  readonly needsScripts: string;
  readonly invitation: string;
  readonly join: (team: string) => string;
  /** The sentence around the address, the team and the role. */
  readonly invited: readonly [afterAddress: string, afterTeam: string, afterRole: string];
  readonly goodUntil: (time: string) => string;
  readonly knownHeading: string;
  readonly knownLink: string;
  readonly knownText: string;
  readonly accept: string;
  readonly newHeading: string;
  readonly makeAccount: string;
  readonly unwantedHeading: string;
  readonly decline: string;
  readonly declined: string;
  readonly declinedText: string;
  readonly invitationGone: string;
  readonly invitationSignIn: string;
  readonly invitationHasAccount: string;
  readonly pairTitle: string;
  readonly pairQuestion: string;
  readonly pairText: string;
  readonly pairWarning: string;
  readonly noTeam: string;
  readonly team: string;
  readonly deviceName: string;
  readonly deviceNameNote: string;
  readonly pair: string;
  readonly refuse: string;
  readonly paired: string;
  readonly pairedText: string;
  readonly refused: string;
  readonly refusedText: string;
}

const en: PageWords = {
  signInText: "Sign in to go on.",
  signInOnce: "Sign in once, for other programs here too",
  signInAsOther: "Sign in as somebody else",
  signedInHeading: "You are signed in",
  oneMoment: "One moment",
  toStart: "Back to the start",
  setUpTitle: "Set up",
  setUpHeading: "Set up this deployment",
  setUpText: "You become its first administrator. This link works once.",
  deploymentName: "Name of the deployment",
  firstTeam: "First team",
  firstTeamNote: "Everything belongs to a team. More can follow.",
  setUp: "Set up",
  notSetUp: "Not set up yet",
  notSetUpText: "Open the set-up link that was printed when the server started. It works once and for a short time.",
  notSetUpHelp: "If it is gone, make a new one on the host:",
  setUpGone: "This set-up link is not good any more. It is good once and for a short time; make a new one on the host with: cyberun admin setup-link.",
  alreadySetUp: "Already set up",
  alreadySetUpText: "This set-up link is not good any more: the deployment has its first administrator.",
  alreadySetUpHelp: "If nobody can sign in, make another administrator on the host:",
  overview: "Overview",
  license: "License",
  licenseSays: {
    ok: "The license is good.",
    expiring: "The license is good and ends soon.",
    unreachable: "No License Server answers; the last lease is obeyed for its grace.",
    grace_over: "No License Server has answered for longer than the grace.",
    expired: "The license has expired.",
    not_yet_valid: "The license is not valid yet.",
    invalid: "The license or the lease is not valid.",
    revoked: "The license was revoked.",
    not_bound: "The license is bound to another host or cluster.",
    clock_anomaly: "The clock was set back.",
    rollback_suspected: "The license file is older than one that was seen before.",
    missing: "There is no license yet.",
  },
  licenseRemedies,
  licenseFor: "For",
  template: "Template",
  ends: "Ends",
  sequence: (number) => `sequence ${number}`,
  teams: "Teams",
  features: "Features",
  featuresOff: "All are off until the license is good again. Signing in and reading go on.",
  feature: "Feature",
  scope: "Scope",
  state: "State",
  on: "on",
  off: "off",
  reference: "API reference",
  handbook: "Handbook",
  needsScripts: "The dashboard needs scripts. Without them this page says what matters most; the command line (cyberun help) does everything else.",
  invitation: "Invitation",
  join: (team) => `Join ${team}`,
  invited: [" is invited into the team ", " as ", "."],
  goodUntil: (time) => `Good until ${time}.`,
  knownHeading: "You have an account",
  knownLink: "Sign in",
  knownText: "with this address first if you have not, then come back here.",
  accept: "Accept",
  newHeading: "You have none yet",
  makeAccount: "Make the account and join",
  unwantedHeading: "You do not want to join",
  decline: "Decline the invitation",
  declined: "Declined",
  declinedText: "The invitation is not good any more, and nothing else has changed.",
  invitationGone: "This invitation is not good any more. It is good once and for a few days; ask the team for a new one.",
  invitationSignIn: "You are not signed in. Sign in with the account of the invited address, then open the link again.",
  invitationHasAccount: "The invited address has an account already. Sign in with it and accept the invitation here.",
  pairTitle: "Pair a device",
  pairQuestion: "Pair this device?",
  pairText: "The device will act for you in the team that you choose, and may run tasks for it.",
  pairWarning: "Go on only if you have just begun this yourself on a device that is yours. If somebody sent you the code or the link, refuse.",
  noTeam: "You are in no team yet in which you may do this; it needs the role member.",
  team: "Team",
  deviceName: "Name of the device",
  deviceNameNote: "Without one it is named after the day.",
  pair: "Pair",
  refuse: "Refuse",
  paired: "Paired",
  pairedText: "The device gets its keys now. You can close this page.",
  refused: "Refused",
  refusedText: "The device gets nothing. You can close this page.",
};

const de: PageWords = {
  signInText: "Melden Sie sich an, um fortzufahren.",
  signInOnce: "Einmal anmelden, auch für andere Programme hier",
  signInAsOther: "Als jemand anderes anmelden",
  signedInHeading: "Sie sind angemeldet",
  oneMoment: "Einen Augenblick",
  toStart: "Zurück zum Anfang",
  setUpTitle: "Einrichten",
  setUpHeading: "Diese Installation einrichten",
  setUpText: "Sie verwalten sie dann als Erste. Dieser Link gilt einmal.",
  deploymentName: "Name der Installation",
  firstTeam: "Erstes Team",
  firstTeamNote: "Alles gehört zu einem Team. Weitere können folgen.",
  setUp: "Einrichten",
  notSetUp: "Noch nicht eingerichtet",
  notSetUpText: "Öffnen Sie den Link zum Einrichten, der beim Start des Servers ausgegeben wurde. Er gilt einmal und für kurze Zeit.",
  notSetUpHelp: "Ist er verloren, machen Sie auf dem Server einen neuen:",
  setUpGone: "Dieser Link zum Einrichten gilt nicht mehr. Er gilt einmal und für kurze Zeit; machen Sie auf dem Server einen neuen mit: cyberun admin setup-link.",
  alreadySetUp: "Schon eingerichtet",
  alreadySetUpText: "Dieser Link gilt nicht mehr: Die Installation wird schon verwaltet.",
  alreadySetUpHelp: "Kann sich niemand anmelden, legen Sie auf dem Server ein weiteres Konto für die Verwaltung an:",
  overview: "Übersicht",
  license: "Lizenz",
  licenseSays: {
    ok: "Die Lizenz ist gut.",
    expiring: "Die Lizenz ist gut und endet bald.",
    unreachable: "Kein Lizenzserver antwortet; für eine Frist gilt, was zuletzt galt.",
    grace_over: "Länger als die Frist hat kein Lizenzserver geantwortet.",
    expired: "Die Lizenz ist abgelaufen.",
    not_yet_valid: "Die Lizenz gilt noch nicht.",
    invalid: "Die Lizenz ist nicht gültig.",
    revoked: "Die Lizenz wurde widerrufen.",
    not_bound: "Die Lizenz gehört zu einem anderen Rechner oder Verbund.",
    clock_anomaly: "Die Uhr wurde zurückgestellt.",
    rollback_suspected: "Die Lizenzdatei ist älter als eine, die schon da war.",
    missing: "Es gibt noch keine Lizenz.",
  },
  licenseRemedies: {
    ok: "Es ist nichts zu tun.",
    expiring: "Lassen Sie sich vom Hersteller eine erneuerte Lizenzdatei geben und installieren Sie sie; ein Neustart ist nicht nötig.",
    unreachable: "Starten Sie den Lizenzserver oder berichtigen Sie CYBERUN_LICENSE_SERVER_ADDRESSES, bevor die Frist endet.",
    grace_over: "Starten Sie den Lizenzserver oder berichtigen Sie CYBERUN_LICENSE_SERVER_ADDRESSES; nach Sekunden geht es weiter.",
    expired: "Installieren Sie eine erneuerte Lizenzdatei vom Hersteller (cyberun license install FILE); ein Neustart ist nicht nötig.",
    not_yet_valid: "Prüfen Sie die Uhr des Rechners; geht sie richtig, warten Sie auf den ersten Tag der Lizenz oder fragen Sie den Hersteller.",
    invalid: "cyberun license inspect FILE nennt den Grund; installieren Sie eine Datei, die der Hersteller signiert hat.",
    revoked: "Fragen Sie den Hersteller nach dem Grund und nach einer Lizenzdatei, die nach dem Widerruf ausgestellt wurde; installieren Sie sie, ein Neustart ist nicht nötig.",
    not_bound: "Lassen Sie sich vom Hersteller eine Lizenz für diesen Rechner geben; cyberun license fingerprint zeigt, was er dafür braucht.",
    clock_anomaly: "Stellen Sie die Uhr des Rechners richtig; der Zustand endet von selbst, wenn die Zeit aufgeholt hat.",
    rollback_suspected: "Installieren Sie die neueste Lizenzdatei, die Sie bekommen haben.",
    missing: "Installieren Sie eine Lizenzdatei (cyberun license install FILE).",
  },
  licenseFor: "Für",
  template: "Vorlage",
  ends: "Endet",
  sequence: (number) => `Folge ${number}`,
  teams: "Teams",
  features: "Funktionen",
  featuresOff: "Alle sind aus, bis die Lizenz wieder gut ist. Anmelden und Lesen gehen weiter.",
  feature: "Funktion",
  scope: "Bereich",
  state: "Zustand",
  on: "an",
  off: "aus",
  reference: "API-Referenz (englisch)",
  handbook: "Handbuch (englisch)",
  needsScripts: "Die Oberfläche braucht Skripte. Ohne sie steht hier das Wichtigste; alles andere tut die Befehlszeile (cyberun help).",
  invitation: "Einladung",
  join: (team) => `Beitritt zu ${team}`,
  invited: [" ist eingeladen in das Team ", " mit der Rolle ", "."],
  goodUntil: (time) => `Gilt bis ${time}.`,
  knownHeading: "Sie haben ein Konto",
  knownLink: "Melden Sie sich an",
  knownText: "mit dieser Adresse, falls Sie es nicht sind, und kommen Sie dann hierher zurück.",
  accept: "Annehmen",
  newHeading: "Sie haben noch keines",
  makeAccount: "Konto anlegen und beitreten",
  unwantedHeading: "Sie möchten nicht beitreten",
  decline: "Einladung ablehnen",
  declined: "Abgelehnt",
  declinedText: "Die Einladung gilt nicht mehr, und sonst hat sich nichts geändert.",
  invitationGone: "Diese Einladung gilt nicht mehr. Sie gilt einmal und für einige Tage; bitten Sie das Team um eine neue.",
  invitationSignIn: "Sie sind nicht angemeldet. Melden Sie sich mit dem Konto der eingeladenen Adresse an und öffnen Sie dann den Link noch einmal.",
  invitationHasAccount: "Die eingeladene Adresse hat schon ein Konto. Melden Sie sich damit an und nehmen Sie die Einladung hier an.",
  pairTitle: "Gerät koppeln",
  pairQuestion: "Dieses Gerät koppeln?",
  pairText: "Das Gerät wird in dem Team, das Sie wählen, für Sie handeln und darf Aufgaben für das Team ausführen.",
  pairWarning: "Gehen Sie nur weiter, wenn Sie dies gerade selbst auf einem eigenen Gerät begonnen haben. Hat Ihnen jemand den Code oder den Link geschickt, lehnen Sie ab.",
  noTeam: "Sie sind noch in keinem Team, in dem Sie dies dürfen; es braucht die Rolle member.",
  team: "Team",
  deviceName: "Name des Geräts",
  deviceNameNote: "Ohne Namen heißt es nach dem Tag.",
  pair: "Koppeln",
  refuse: "Ablehnen",
  paired: "Gekoppelt",
  pairedText: "Das Gerät bekommt jetzt seine Schlüssel. Sie können diese Seite schließen.",
  refused: "Abgelehnt",
  refusedText: "Das Gerät bekommt nichts. Sie können diese Seite schließen.",
};

const wordsOf: Readonly<Record<Language, PageWords>> = { en, de };

/** The words of `language`. */
export function pageWordsIn(language: Language): PageWords {
  return wordsOf[language];
}
