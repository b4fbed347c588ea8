/** How the license stands, in the reader's language: the words that the server's own pages have. */
import { type LicenseState, licenseStates } from "../../license/entitlements.ts";
import { pageWordsIn } from "../page-words.ts";
import { language } from "./words.ts";

function isKnown(state: string): state is LicenseState {
  return Object.hasOwn(licenseStates, state);
}

/** What the state means, and what to do; empty for one that a newer server has. */
export function licenseWords(state: string): readonly string[] {
  if (!isKnown(state)) return [];
  const { licenseSays, licenseRemedies } = pageWordsIn(language);
  return [licenseSays[state], licenseRemedies[state]];
}
