/**
 * The letters: what each kind of mail says.
 *
 * Rule: pure, plain text, short. The only names in it are the deployment's; what a stranger typed is never repeated to
 * the owner of an address, so that nobody can send words of their own through this deployment.
 */

export interface LetterText {
  readonly subject: string;
  readonly text: string;
}

const ignore = "If this was not you, do nothing: nothing has changed.";

export function resetLetter(deployment: string, link: string): LetterText {
  return {
    subject: `${deployment}: choose a new password`,
    text: `Somebody asked for a new password for your account at ${deployment}.\n\nOpen this link within an hour and choose one:\n\n${link}\n\nIt works once. ${ignore}\n`,
  };
}

export function verificationLetter(deployment: string, link: string): LetterText {
  return {
    subject: `${deployment}: confirm your address`,
    text: `This address was given for an account at ${deployment}.\n\nOpen this link within a day and type the password that you chose:\n\n${link}\n\nIt works once. ${ignore}\n`,
  };
}

/** The team is named on the page behind the link, not here: its name is its members' own words. */
export function invitationLetter(deployment: string, link: string, days: number): LetterText {
  return {
    subject: `${deployment}: you are invited`,
    text: `Somebody at ${deployment} invites you into their team.\n\nOpen this link within ${days === 1 ? "a day" : `${days} days`} to see which, and to accept or decline:\n\n${link}\n\nIt works once. If you do not know what this is about, do nothing.\n`,
  };
}

/** To somebody whose address was used to sign up and who has an account already. */
export function knownLetter(deployment: string, signInLink: string): LetterText {
  return {
    subject: `${deployment}: you have an account`,
    text: `Somebody tried to sign up at ${deployment} with this address, and there is an account with it already.\n\nSign in here:\n\n${signInLink}\n\nIf you forgot the password, choose a new one there. ${ignore}\n`,
  };
}
