/**
 * Profiles: where this person's command line is signed in, one file for each, readable by its owner alone.
 *
 *     $XDG_CONFIG_HOME/cyberun/profiles/NAME.json     (else ~/.config)
 *
 * Rule: the only owner of these files. A key goes to the address that it was made for and nowhere else.
 */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import type { ClientConfig } from "../config.ts";
import { findFile, writeFileDurably } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";

const ProfileSchema = Type.Object({
  format: Type.Literal(1),
  api_url: Type.String(),
  /** The device's own key. */
  raw_key: Type.String(),
  /** For the agent of the same machine. */
  agent_key: Type.String(),
});
export type Profile = Readonly<Static<typeof ProfileSchema>>;

const profileShape = shapeOf(ProfileSchema);
const OTHERS = 0o077;

export function profilePath({ folder, profile }: ClientConfig): string {
  return join(folder, "cyberun", "profiles", `${profile}.json`);
}

/** The profile, or undefined when nobody is signed in with it. Throws Fault `forbidden` when others may read it, `invalid_request` when it is damaged. */
export function findProfile(client: ClientConfig): Profile | undefined {
  const path = profilePath(client);
  const bytes = findFile(path);
  if (bytes === undefined) return undefined;
  if ((statSync(path).mode & OTHERS) !== 0) {
    throw new Fault("forbidden", `Others than its owner may read the file ${path}, and it holds a key.`, {
      hint: `If nobody else has seen it, run chmod 600 ${path}; otherwise run cyberun logout after that, and sign in again.`,
    });
  }
  const profile = findJson(bytes.toString("utf8"));
  if (profileShape.Check(profile)) return profile;
  throw new Fault("invalid_request", `The file ${path} is no profile of this command line.`, { hint: "Remove it and run cyberun login." });
}

/** Keeps the profile, mode 0600. Throws Fault `unavailable`. */
export function keepProfile(client: ClientConfig, profile: Profile): void {
  writeFileDurably(profilePath(client), `${JSON.stringify(profile)}\n`);
}

/** Throws Fault `unavailable` when a profile could not be kept: before keys are made that are shown once. */
export function requireKeepable(client: ClientConfig): void {
  const probe = `${profilePath(client)}.probe`;
  writeFileDurably(probe, "");
  rmSync(probe, { force: true });
}

export function dropProfile(client: ClientConfig): void {
  rmSync(profilePath(client), { force: true });
}
