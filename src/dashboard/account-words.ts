/**
 * The words of the pages on which people look after their account, once for each language.
 *
 * Rule: a language has every word or does not compile. What a field may be is said here too, because the domain's own
 * sentences are English.
 */
import type { Language } from "./language.ts";

export interface AccountWords {
  readonly language: Language;
  readonly account: string;
  readonly toAccount: string;
  readonly signedInAs: string;
  readonly signInToAccount: string;
  readonly back: string;
  readonly correct: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly emailAddress: string;
  readonly password: string;
  readonly passwordNote: string;
  readonly currentPassword: string;
  readonly newPassword: string;
  readonly changePassword: string;
  readonly passwordChanged: string;
  readonly othersEnd: string;
  readonly signUp: string;
  readonly haveAccount: string;
  readonly signIn: string;
  readonly checkMail: string;
  readonly signedUpByMail: string;
  readonly signedUp: string;
  readonly forgotPassword: string;
  readonly forgotText: string;
  readonly sendLink: string;
  readonly linkSent: string;
  readonly noMail: string;
  readonly choosePassword: string;
  readonly chooseText: string;
  readonly setPassword: string;
  readonly passwordSet: string;
  readonly verifyAddress: string;
  readonly verifyText: string;
  readonly confirm: string;
  readonly addressVerified: string;
  readonly sessions: string;
  readonly thisSession: string;
  readonly program: string;
  readonly browser: string;
  readonly since: (time: string) => string;
  readonly from: (address: string) => string;
  readonly end: string;
  readonly endLabel: (time: string) => string;
  readonly endOthers: string;
  readonly signOut: string;
  readonly secondFactor: string;
  readonly authenticator: string;
  readonly authenticatorOn: string;
  readonly authenticatorOff: string;
  readonly authenticatorLocked: string;
  readonly setUp: string;
  readonly manage: string;
  readonly enrolText: string;
  readonly scan: string;
  readonly qrLabel: string;
  readonly typeSecret: string;
  readonly secret: string;
  readonly code: string;
  readonly codeNote: string;
  readonly firstCodeNote: string;
  readonly remove: string;
  readonly removeAuthenticator: string;
  readonly recoveryCodes: string;
  readonly codesLeft: (count: number) => string;
  readonly codesOnce: string;
  readonly newCodes: string;
  readonly keptThem: string;
  readonly passkeys: string;
  readonly noPasskeys: string;
  readonly passkeysImpossible: string;
  readonly addPasskey: string;
  readonly addPasskeyText: string;
  readonly passkeyName: string;
  readonly passkeyNameNote: string;
  readonly createPasskey: string;
  readonly needsScripts: string;
  readonly passkeyProblem: string;
  readonly removePasskey: (name: string) => string;
  readonly used: (time: string) => string;
  readonly unused: string;
  readonly synced: string;
  readonly locked: string;
  readonly copied: string;
  readonly usePasskey: string;
  readonly wrongPasskey: string;
  readonly goOn: string;
  /** By the field that is wrong. */
  readonly problems: Readonly<Record<string, string>>;
  readonly commonPassword: string;
  readonly tooMany: string;
  readonly gone: string;
}

const en: AccountWords = {
  language: "en",
  account: "Your account",
  toAccount: "To your account",
  signedInAs: "You are signed in as",
  signInToAccount: "Sign in to see your account.",
  back: "Back",
  correct: "Please correct:",
  firstName: "First name",
  lastName: "Last name",
  emailAddress: "Email address",
  password: "Password",
  passwordNote: "8 to 128 characters. Nobody can read it back.",
  currentPassword: "Current password",
  newPassword: "New password",
  changePassword: "Change the password",
  passwordChanged: "The password is changed. Everywhere else you are signed out.",
  othersEnd: "Everywhere else you will be signed out, and applications lose the access they have while you are away.",
  signUp: "Sign up",
  haveAccount: "I have an account",
  signIn: "Sign in",
  checkMail: "Look into your mail",
  signedUpByMail: "A mail is on its way to the address. Open the link in it within a day to finish.",
  signedUp: "If the address was free, the account is there. Sign in with it.",
  forgotPassword: "Forgot your password?",
  forgotText: "Type your address. A link to choose a new password comes by mail.",
  sendLink: "Send the link",
  linkSent: "If there is an account with this address, a mail is on its way. The link in it is good for an hour.",
  noMail: "No link can come from here by mail. Ask an administrator, who can make a link for you to choose a new password.",
  choosePassword: "Choose a new password",
  chooseText: "You will be signed out everywhere. This link works once.",
  setPassword: "Set the password",
  passwordSet: "The new password is set. You are signed out everywhere.",
  verifyAddress: "Confirm your address",
  verifyText: "Type the password that you chose. If you did not ask for an account here, close this page.",
  confirm: "Confirm",
  addressVerified: "Your address is confirmed.",
  sessions: "Where you are signed in",
  thisSession: "This browser",
  program: "Program",
  browser: "Browser",
  since: (time) => `since ${time}`,
  from: (address) => `from ${address}`,
  end: "End",
  endLabel: (time) => `End the session since ${time}`,
  endOthers: "End all others",
  signOut: "Sign out",
  secondFactor: "Second factor",
  authenticator: "Authenticator app",
  authenticatorOn: "Set up. A code is asked for when you sign in.",
  authenticatorOff: "Not set up.",
  authenticatorLocked: "Locked after too many wrong codes. Sign in with a recovery code to unlock it.",
  setUp: "Set up",
  manage: "Change",
  enrolText: "An app on your phone shows a new code every half minute, which you type after your password.",
  scan: "Scan this with the app, or type the key into it. Then type the code that it shows.",
  qrLabel: "QR code with the key for the authenticator app",
  typeSecret: "Key to type:",
  secret: "Key",
  code: "Code",
  codeNote: "From your authenticator app, or one of your recovery codes.",
  firstCodeNote: "Six digits that the app shows now.",
  remove: "Remove",
  removeAuthenticator: "Remove the authenticator app",
  recoveryCodes: "Recovery codes",
  codesLeft: (count) => `${count} recovery codes are left.`,
  codesOnce: "Each opens your account once, when phone or passkey are lost. Write them down now: they are not shown again.",
  newCodes: "Make new recovery codes",
  keptThem: "I have kept them",
  passkeys: "Passkeys",
  noPasskeys: "None yet. A passkey signs you in without a password.",
  passkeysImpossible: "Not possible here: the site needs a host name and https for them.",
  addPasskey: "Add a passkey",
  addPasskeyText: "Your device, phone or security key keeps it, and asks for finger, face or PIN.",
  passkeyName: "Name",
  passkeyNameNote: "So that you can tell it from others, such as Laptop or Key on my ring.",
  createPasskey: "Create the passkey",
  needsScripts: "Passkeys need scripts in the browser. An authenticator app works without.",
  passkeyProblem: "The passkey was not used. Try again, or choose another way.",
  removePasskey: (name) => `Remove the passkey ${name}`,
  used: (time) => `last used ${time}`,
  unused: "not used yet",
  synced: "shared by your devices",
  locked: "locked",
  copied: "refused: there seems to be a copy of it",
  usePasskey: "Use a passkey",
  wrongPasskey: "The passkey's answer is not good, or came too late. Try again.",
  goOn: "Continue",
  problems: {
    deployment_name: "Name of the deployment: 1 to 100 characters.",
    team_name: "First team: 1 to 100 characters.",
    device_name: "Name of the device: 1 to 100 characters.",
    first_name: "First name: 1 to 100 characters.",
    last_name: "Last name: 1 to 100 characters.",
    email_address: "Email address: such as name@example.com.",
    user_password: "The password does not fit.",
    current_password: "The current password is wrong.",
    new_password: "The new password has 8 to 128 characters.",
    code: "The code is not right, or was used before.",
    display_name: "Name: 1 to 100 characters.",
    credential: "The passkey was not made for this site, came too late, or is of a kind that is not taken.",
    passkey: "The passkey's answer cannot be read.",
  },
  commonPassword: "This password is among those that are guessed first. Choose one that nobody else has, such as four words that do not belong together.",
  tooMany: "There were too many attempts. Wait a little and try again.",
  gone: "This link is not good any more. It works once and for a short time; ask for a new one.",
};

const de: AccountWords = {
  language: "de",
  account: "Ihr Konto",
  toAccount: "Zu Ihrem Konto",
  signedInAs: "Sie sind angemeldet als",
  signInToAccount: "Melden Sie sich an, um Ihr Konto zu sehen.",
  back: "Zurück",
  correct: "Bitte berichtigen Sie:",
  firstName: "Vorname",
  lastName: "Nachname",
  emailAddress: "E-Mail-Adresse",
  password: "Passwort",
  passwordNote: "8 bis 128 Zeichen. Niemand kann es wieder lesen.",
  currentPassword: "Jetziges Passwort",
  newPassword: "Neues Passwort",
  changePassword: "Passwort ändern",
  passwordChanged: "Das Passwort ist geändert. Überall sonst sind Sie abgemeldet.",
  othersEnd: "Überall sonst werden Sie abgemeldet, und Anwendungen verlieren den Zugriff, den sie in Ihrer Abwesenheit haben.",
  signUp: "Konto anlegen",
  haveAccount: "Ich habe ein Konto",
  signIn: "Anmelden",
  checkMail: "Sehen Sie in Ihre E-Mails",
  signedUpByMail: "Eine E-Mail ist unterwegs zu der Adresse. Öffnen Sie den Link darin innerhalb eines Tages.",
  signedUp: "Wenn die Adresse frei war, ist das Konto angelegt. Melden Sie sich damit an.",
  forgotPassword: "Passwort vergessen?",
  forgotText: "Geben Sie Ihre Adresse ein. Ein Link für ein neues Passwort kommt per E-Mail.",
  sendLink: "Link senden",
  linkSent: "Wenn es ein Konto mit dieser Adresse gibt, ist eine E-Mail unterwegs. Der Link darin gilt eine Stunde.",
  noMail: "Von hier kann kein Link per E-Mail kommen. Bitten Sie jemanden aus der Administration um einen Link, mit dem Sie ein neues Passwort wählen.",
  choosePassword: "Neues Passwort wählen",
  chooseText: "Sie werden überall abgemeldet. Dieser Link gilt einmal.",
  setPassword: "Passwort setzen",
  passwordSet: "Das neue Passwort gilt. Sie sind überall abgemeldet.",
  verifyAddress: "Adresse bestätigen",
  verifyText: "Geben Sie das Passwort ein, das Sie gewählt haben. Wenn Sie hier kein Konto wollten, schließen Sie diese Seite.",
  confirm: "Bestätigen",
  addressVerified: "Ihre Adresse ist bestätigt.",
  sessions: "Wo Sie angemeldet sind",
  thisSession: "Dieser Browser",
  program: "Programm",
  browser: "Browser",
  since: (time) => `seit ${time}`,
  from: (address) => `von ${address}`,
  end: "Beenden",
  endLabel: (time) => `Sitzung seit ${time} beenden`,
  endOthers: "Alle anderen beenden",
  signOut: "Abmelden",
  secondFactor: "Zweiter Faktor",
  authenticator: "Authenticator-App",
  authenticatorOn: "Eingerichtet. Beim Anmelden wird ein Code verlangt.",
  authenticatorOff: "Nicht eingerichtet.",
  authenticatorLocked: "Nach zu vielen falschen Codes gesperrt. Melden Sie sich mit einem Wiederherstellungscode an, um sie zu entsperren.",
  setUp: "Einrichten",
  manage: "Ändern",
  enrolText: "Eine App auf Ihrem Telefon zeigt alle halbe Minute einen neuen Code, den Sie nach dem Passwort eingeben.",
  scan: "Scannen Sie dies mit der App oder tippen Sie den Schlüssel ein. Geben Sie dann den Code ein, den sie zeigt.",
  qrLabel: "QR-Code mit dem Schlüssel für die Authenticator-App",
  typeSecret: "Schlüssel zum Abtippen:",
  secret: "Schlüssel",
  code: "Code",
  codeNote: "Aus Ihrer Authenticator-App oder einer Ihrer Wiederherstellungscodes.",
  firstCodeNote: "Sechs Ziffern, die die App jetzt zeigt.",
  remove: "Entfernen",
  removeAuthenticator: "Authenticator-App entfernen",
  recoveryCodes: "Wiederherstellungscodes",
  codesLeft: (count) => `${count} Wiederherstellungscodes sind übrig.`,
  codesOnce: "Jeder öffnet Ihr Konto einmal, wenn Telefon oder Passkey verloren sind. Schreiben Sie sie jetzt auf: Sie werden nicht wieder gezeigt.",
  newCodes: "Neue Wiederherstellungscodes",
  keptThem: "Ich habe sie verwahrt",
  passkeys: "Passkeys",
  noPasskeys: "Noch keine. Mit einem Passkey melden Sie sich ohne Passwort an.",
  passkeysImpossible: "Hier nicht möglich: Die Seite braucht dafür einen Namen und https.",
  addPasskey: "Passkey hinzufügen",
  addPasskeyText: "Ihr Gerät, Telefon oder Sicherheitsschlüssel verwahrt ihn und fragt nach Finger, Gesicht oder PIN.",
  passkeyName: "Name",
  passkeyNameNote: "Damit Sie ihn von anderen unterscheiden, etwa Laptop oder Schlüsselbund.",
  createPasskey: "Passkey erstellen",
  needsScripts: "Passkeys brauchen Skripte im Browser. Eine Authenticator-App geht ohne.",
  passkeyProblem: "Der Passkey wurde nicht benutzt. Versuchen Sie es noch einmal oder wählen Sie einen anderen Weg.",
  removePasskey: (name) => `Passkey ${name} entfernen`,
  used: (time) => `zuletzt benutzt ${time}`,
  unused: "noch nicht benutzt",
  synced: "auf Ihren Geräten geteilt",
  locked: "gesperrt",
  copied: "abgelehnt: Es scheint eine Kopie zu geben",
  usePasskey: "Passkey benutzen",
  wrongPasskey: "Die Antwort des Passkeys ist nicht gut oder kam zu spät. Versuchen Sie es noch einmal.",
  goOn: "Weiter",
  problems: {
    deployment_name: "Name der Installation: 1 bis 100 Zeichen.",
    team_name: "Erstes Team: 1 bis 100 Zeichen.",
    device_name: "Name des Geräts: 1 bis 100 Zeichen.",
    first_name: "Vorname: 1 bis 100 Zeichen.",
    last_name: "Nachname: 1 bis 100 Zeichen.",
    email_address: "E-Mail-Adresse: etwa name@example.com.",
    user_password: "Das Passwort passt nicht.",
    current_password: "Das jetzige Passwort ist falsch.",
    new_password: "Das neue Passwort hat 8 bis 128 Zeichen.",
    code: "Der Code ist falsch oder wurde schon benutzt.",
    display_name: "Name: 1 bis 100 Zeichen.",
    credential: "Der Passkey wurde nicht für diese Seite gemacht, kam zu spät oder ist von einer Art, die nicht genommen wird.",
    passkey: "Die Antwort des Passkeys ist nicht zu lesen.",
  },
  commonPassword: "Dieses Passwort gehört zu denen, die zuerst geraten werden. Wählen Sie eines, das sonst niemand hat, etwa vier Wörter, die nicht zusammengehören.",
  tooMany: "Es gab zu viele Versuche. Warten Sie ein wenig und versuchen Sie es noch einmal.",
  gone: "Dieser Link gilt nicht mehr. Er gilt einmal und für kurze Zeit; lassen Sie sich einen neuen schicken.",
};

const wordsOf: Readonly<Record<Language, AccountWords>> = { en, de };

/** The words of `language`. */
export function accountWordsIn(language: Language): AccountWords {
  return wordsOf[language];
}
