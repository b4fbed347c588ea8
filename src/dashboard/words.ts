/**
 * The words of sign-in, consent and devices, once for each language.
 *
 * Rule: a language has every word or does not compile. Names of clients, people and scopes are never translated.
 */

import type { Language } from "./language.ts";

export interface Words {
  readonly language: Language;
  readonly signIn: string;
  readonly signInFor: (client: string) => string;
  readonly emailAddress: string;
  readonly password: string;
  readonly cancel: string;
  readonly allowTitle: string;
  readonly asksFor: (client: string) => string;
  readonly signedInAs: string;
  readonly allow: string;
  readonly deny: string;
  readonly scopes: Readonly<Record<string, string>>;
  readonly otherScope: (scope: string) => string;
  readonly resource: (address: string) => string;
  readonly canRevoke: string;
  readonly policy: string;
  readonly terms: string;
  readonly goOn: string;
  readonly refused: string;
  readonly signOut: string;
  readonly signOutQuestion: string;
  readonly stay: string;
  readonly signedOut: string;
  readonly signedOutText: string;
  readonly wrong: string;
  readonly code: string;
  readonly codeNote: string;
  readonly wrongCode: string;
  readonly startAgain: string;
  readonly tooMany: string;
  readonly signInForDevice: string;
  readonly deviceTitle: string;
  readonly deviceNote: string;
  readonly deviceCode: string;
  readonly deviceShows: string;
  /** When, in UTC, and from where, if that is known. */
  readonly deviceAsked: (at: string, address: string | undefined) => string;
  readonly deviceWarning: string;
  readonly deviceAllowed: string;
  readonly deviceDenied: string;
  readonly wrongDeviceCode: string;
  readonly continueWith: (provider: string) => string;
  readonly connectTitle: string;
  readonly connectWho: (provider: string) => string;
  readonly connectText: (provider: string) => string;
  readonly connect: string;
}

const en: Words = {
  language: "en",
  signIn: "Sign in",
  signInFor: (client) => `Sign in to go on to ${client}.`,
  emailAddress: "Email address",
  password: "Password",
  cancel: "Cancel",
  allowTitle: "Allow access",
  asksFor: (client) => `${client} asks to:`,
  signedInAs: "You are signed in as",
  allow: "Allow",
  deny: "Do not allow",
  scopes: {
    openid: "know who you are",
    profile: "see your name",
    email: "see your email address",
    address: "see your postal address, if you have given one",
    phone: "see your telephone number, if you have given one",
    teams: "see your teams and your roles in them",
    offline_access: "keep this access while you are away",
  },
  otherScope: (scope) => `use the permission ${scope}`,
  resource: (address) => `act for you at ${address}`,
  canRevoke: "You can take this back at any time.",
  policy: "Privacy policy",
  terms: "Terms of service",
  goOn: "Continue",
  refused: "This did not work",
  signOut: "Sign out",
  signOutQuestion: "Do you want to sign out here?",
  stay: "Stay signed in",
  signedOut: "Signed out",
  signedOutText: "You are signed out. You can close this page.",
  wrong: "Email address or password is wrong. After several failures an address has to wait.",
  code: "Code",
  codeNote: "From your authenticator, or one of your recovery codes.",
  wrongCode: "The code is not right, was used before, or came too late.",
  startAgain: "Sign in from the beginning",
  tooMany: "There were too many attempts. Wait a little and try again.",
  signInForDevice: "Sign in to connect a device.",
  deviceTitle: "Connect a device",
  deviceNote: "Type the code that the device shows.",
  deviceCode: "Code of the device",
  deviceShows: "The device has to show this code:",
  deviceAsked: (at, address) => `Asked for at ${at} UTC${address === undefined ? "" : ` from ${address}`}.`,
  deviceWarning: "Allow it only if you have just begun this yourself on a device that is yours. If somebody sent you the code or the link, do not allow it.",
  deviceAllowed: "The device is connected. You can close this page.",
  deviceDenied: "The device was not allowed anything. You can close this page.",
  wrongDeviceCode: "No device waits for this code. Compare it with what the device shows; after some minutes the device needs a new one.",
  continueWith: (provider) => `Continue with ${provider}`,
  connectTitle: "Connect your account",
  connectWho: (provider) => `${provider} knows you.`,
  connectText: (provider) => `No account here is connected with this sign-in yet. Sign in to your account once, and from then on ${provider} leads to it. If the sign-in at ${provider} is not yours, close this page.`,
  connect: "Sign in and connect",
};

const de: Words = {
  language: "de",
  signIn: "Anmelden",
  signInFor: (client) => `Melden Sie sich an, um mit ${client} fortzufahren.`,
  emailAddress: "E-Mail-Adresse",
  password: "Passwort",
  cancel: "Abbrechen",
  allowTitle: "Zugriff erlauben",
  asksFor: (client) => `${client} möchte:`,
  signedInAs: "Sie sind angemeldet als",
  allow: "Erlauben",
  deny: "Nicht erlauben",
  scopes: {
    openid: "wissen, wer Sie sind",
    profile: "Ihren Namen sehen",
    email: "Ihre E-Mail-Adresse sehen",
    address: "Ihre Postanschrift sehen, falls Sie eine angegeben haben",
    phone: "Ihre Telefonnummer sehen, falls Sie eine angegeben haben",
    teams: "Ihre Teams und Ihre Rollen darin sehen",
    offline_access: "diesen Zugriff behalten, während Sie abwesend sind",
  },
  otherScope: (scope) => `die Berechtigung ${scope} nutzen`,
  resource: (address) => `bei ${address} für Sie handeln`,
  canRevoke: "Sie können dies jederzeit zurücknehmen.",
  policy: "Datenschutzerklärung",
  terms: "Nutzungsbedingungen",
  goOn: "Weiter",
  refused: "Das hat nicht geklappt",
  signOut: "Abmelden",
  signOutQuestion: "Möchten Sie sich hier abmelden?",
  stay: "Angemeldet bleiben",
  signedOut: "Abgemeldet",
  signedOutText: "Sie sind abgemeldet. Sie können diese Seite schließen.",
  wrong: "E-Mail-Adresse oder Passwort ist falsch. Nach mehreren Fehlern muss eine Adresse warten.",
  code: "Code",
  codeNote: "Aus Ihrer Authenticator-App oder einer Ihrer Wiederherstellungscodes.",
  wrongCode: "Der Code ist falsch, wurde schon benutzt oder kam zu spät.",
  startAgain: "Von vorn anmelden",
  tooMany: "Es gab zu viele Versuche. Warten Sie ein wenig und versuchen Sie es noch einmal.",
  signInForDevice: "Melden Sie sich an, um ein Gerät zu verbinden.",
  deviceTitle: "Gerät verbinden",
  deviceNote: "Geben Sie den Code ein, den das Gerät anzeigt.",
  deviceCode: "Code des Geräts",
  deviceShows: "Das Gerät muss diesen Code anzeigen:",
  deviceAsked: (at, address) => `Angefragt um ${at} UTC${address === undefined ? "" : ` von ${address}`}.`,
  deviceWarning: "Erlauben Sie dies nur, wenn Sie es gerade selbst auf einem eigenen Gerät begonnen haben. Hat Ihnen jemand den Code oder den Link geschickt, erlauben Sie es nicht.",
  deviceAllowed: "Das Gerät ist verbunden. Sie können diese Seite schließen.",
  deviceDenied: "Dem Gerät wurde nichts erlaubt. Sie können diese Seite schließen.",
  wrongDeviceCode: "Auf diesen Code wartet kein Gerät. Vergleichen Sie ihn mit der Anzeige des Geräts; nach einigen Minuten braucht das Gerät einen neuen.",
  continueWith: (provider) => `Weiter mit ${provider}`,
  connectTitle: "Konto verbinden",
  connectWho: (provider) => `${provider} kennt Sie.`,
  connectText: (provider) => `Mit dieser Anmeldung ist hier noch kein Konto verbunden. Melden Sie sich einmal an Ihrem Konto an; danach führt ${provider} dorthin. Ist die Anmeldung bei ${provider} nicht Ihre, schließen Sie diese Seite.`,
  connect: "Anmelden und verbinden",
};

const wordsOf: Readonly<Record<Language, Words>> = { en, de };

/** The words of `language`. */
export function wordsIn(language: Language): Words {
  return wordsOf[language];
}
