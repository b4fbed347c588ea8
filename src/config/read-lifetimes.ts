/** The lifetimes of a process: those of its preset, but for those that are set. */
import { type Lifetimes, type Preset, presets } from "../lifetimes.ts";
import type { SettingsReader } from "./sources.ts";
import { settings } from "./table.ts";

/** The preset's, but for those that are set. */
export function lifetimesOf(reader: SettingsReader, preset: Preset): Lifetimes {
  const seconds = (name: keyof Lifetimes) => reader.read(name, { ...settings[name], fallback: presets[preset][name] });
  return {
    accessTokenSeconds: seconds("accessTokenSeconds"),
    idTokenSeconds: seconds("idTokenSeconds"),
    refreshTokenSeconds: seconds("refreshTokenSeconds"),
    refreshTokenAbsoluteSeconds: seconds("refreshTokenAbsoluteSeconds"),
    refreshGraceSeconds: seconds("refreshGraceSeconds"),
    cookieSeconds: seconds("cookieSeconds"),
    authorizationCodeSeconds: seconds("authorizationCodeSeconds"),
    authorizationRequestSeconds: seconds("authorizationRequestSeconds"),
    pushedRequestSeconds: seconds("pushedRequestSeconds"),
    deviceCodeSeconds: seconds("deviceCodeSeconds"),
    pairingSeconds: seconds("pairingSeconds"),
    clientAssertionSeconds: seconds("clientAssertionSeconds"),
    dpopProofSeconds: seconds("dpopProofSeconds"),
    clockSkewSeconds: seconds("clockSkewSeconds"),
    clientSecretOverlapSeconds: seconds("clientSecretOverlapSeconds"),
    initialAccessTokenSeconds: seconds("initialAccessTokenSeconds"),
    clientKeysSeconds: seconds("clientKeysSeconds"),
    setupLinkSeconds: seconds("setupLinkSeconds"),
    passwordLinkSeconds: seconds("passwordLinkSeconds"),
    emailLinkSeconds: seconds("emailLinkSeconds"),
    secondStepSeconds: seconds("secondStepSeconds"),
    factorEnrolmentSeconds: seconds("factorEnrolmentSeconds"),
    invitationSeconds: seconds("invitationSeconds"),
    signingKeyRotationSeconds: seconds("signingKeyRotationSeconds"),
  };
}
