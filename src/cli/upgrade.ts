/**
 * `cyberun upgrade` and `cyberun rollback`: another release takes the place of the one in use, or gives it back.
 *
 *     verify → preflight → backup, drilled → stage → rehearse on a copy → stop → switch → start and look → else switch back
 *
 * Rule: until the switch nothing of the deployment is touched, and it goes on serving; after it, whatever fails puts the release before
 * and the data as they were back in place.
 */
import { resolve } from "node:path";
import { statfsSync } from "node:fs";
import { dataDirectory } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { compareVersions, type ReleaseManifest } from "../release/documents.ts";
import { executableOf, type Installation, installationOf, installedManifest, previousVersion, removeRelease, stageRelease, switchTo } from "../release/installation.ts";
import { releaseTrust } from "../release/trust.ts";
import { verifyRelease } from "../release/verify.ts";
import { findSchema, schemaOfBuild } from "../store/sqlite-snapshot.ts";
import { asOwner, runAsOwner, textIn } from "./as-owner.ts";
import type { Context, Result } from "./context.ts";
import { requireOption } from "./required.ts";
import { findService, type Service } from "./service.ts";
import { rehearse, startsAndServes, tellsVersion } from "./rehearsal.ts";

const BESIDE = 100_000_000;

function refused(message: string, hint: string): Fault {
  return new Fault("precondition_failed", `${message} Nothing was changed.`, { hint });
}

function requireRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= bytes + BESIDE) return;
  throw refused(`Too little room is free at ${folder}: ${Math.ceil((bytes + BESIDE) / 1e6)} MB are needed.`, "Make room, such as by removing older backups, and run this again.");
}

function requireFitting({ services }: Context, { version }: Installation, { version: next, target, upgrades_from, built_at, schema }: ReleaseManifest): void {
  const order = compareVersions(next, version);
  if (order === 0) throw refused(`The release ${next} is in use already.`, "Name a newer one.");
  if (order < 0) throw refused(`The release ${next} is older than ${version}, which is in use.`, "cyberun rollback goes back to the one before.");
  if (compareVersions(version, upgrades_from) < 0) throw refused(`The release ${next} upgrades ${upgrades_from} and newer, and ${version} is in use.`, `Upgrade to ${upgrades_from} first.`);
  const here = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  if (target !== here && target !== `${here}-musl`) throw refused(`The release is for ${target}, and this host is ${here}.`, "Ask the vendor for the release for this platform.");
  if (services.clock.now() < built_at * 1_000) throw refused("The clock of this host stands before the day when the release was made.", "Set the clock right; licenses and tokens are judged by it.");
  if (schema.from > schemaOfBuild || schema.to < schemaOfBuild) throw refused(`The release opens stores of schema ${schema.from} to ${schema.to}, and this one has ${schemaOfBuild}.`, "Ask the vendor for the release in between.");
}

function sizeOf({ files }: ReleaseManifest): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** A backup, restored for trial if wanted; its path. */
function backUp(context: Context, isDrilled: boolean): string {
  const made = runAsOwner(context, process.execPath, ["backup", "create"]);
  const path = textIn(made.answer, "path");
  const drilled = isDrilled && path !== undefined ? runAsOwner(context, process.execPath, ["backup", "drill", path]) : made;
  if (path !== undefined && drilled.problem === undefined) return path;
  throw refused(`The backup of before the upgrade is not good: ${drilled.problem ?? made.problem ?? "it is not there"}`, "Mend what it says first: an upgrade needs a way back.");
}

/** Puts the release before back in use, and the data as they were when the server stopped, if the new release has changed their schema. */
function takeBack(context: Context, { now, old, backup }: { readonly now: Installation; readonly old: string; readonly backup: string }): void {
  removeRelease(switchTo(now, old), now.version);
  const schema = schemaNow(context);
  if (schema === undefined || schema <= schemaOfBuild) return;
  const { problem } = runAsOwner(context, process.execPath, ["backup", "restore", backup, "--replace"]);
  if (problem !== undefined) throw new Fault("unavailable", `The data of before the upgrade could not be put back: ${problem}`, { hint: `Stop the server and run: cyberun backup restore ${backup} --replace` });
}

/** Undefined where there is no store in the data directory. */
function schemaNow({ config }: Context): number | undefined {
  return config.databaseUrl === undefined ? asOwner(config.dataDir, () => findSchema(dataDirectory(config.dataDir).database)) : undefined;
}

/** Switches while nothing serves. Throws Fault `unavailable` once everything is as it was. */
async function switchOver(context: Context, installed: Installation, { version, service }: { readonly version: string; readonly service: Service }): Promise<void> {
  await service.stop();
  try {
    const backup = backUp(context, false);
    const now = switchTo(installed, version);
    const problem = (await startsAndServes(context, executableOf(now, version))) ?? (await service.startProblem());
    if (problem === undefined) return;
    await service.stop();
    takeBack(context, { now, old: installed.version, backup });
    throw new Fault("unavailable", `The release ${version} does not serve here: ${problem} The release ${installed.version} is in use again, with all data.`, { hint: "Send the vendor this sentence and the log." });
  } finally {
    await service.start();
  }
}

export async function upgrade(context: Context): Promise<Result> {
  const { config } = context;
  const bundle = resolve(requireOption(context, "from"));
  const say = (line: string) => context.terminal.err(`cyberun: ${line}\n`);
  const installed = installationOf(process.execPath);
  const { manifest, keyId } = verifyRelease(bundle, releaseTrust);
  const { version } = manifest;
  say(`the release ${version} is whole and signed by its vendor (${keyId})`);
  requireFitting(context, installed, manifest);
  requireRoom(installed.root, sizeOf(manifest));
  const service = await findService(context);
  const backup = backUp(context, true);
  say(`the backup ${backup} is made and was restored for trial`);
  stageRelease(installed, bundle, releaseTrust);
  try {
    const fresh = executableOf(installed, version);
    const problem = (await tellsVersion(fresh, version)) ?? (await rehearse(context, fresh, backup));
    if (problem !== undefined) throw refused(`The release ${version} does not serve a copy of this deployment: ${problem}`, "Send the vendor this sentence.");
    say(`the release ${version} has served a copy of this deployment`);
    await switchOver(context, installed, { version, service });
  } catch (error) {
    removeRelease(installed, version);
    throw error;
  }
  const next = service.isKept ? "It serves." : "Start it: cyberun serve.";
  return { data: { version, previous_version: installed.version, backup, release_key: keyId, is_served: service.isKept, data_dir: config.dataDir }, text: `The release ${version} is in use instead of ${installed.version}. ${next}\ncyberun rollback goes back to it.` };
}

/** Throws Fault `conflict` when the older release cannot open the store as it is. */
function requireReadable(context: Context, { version, schema }: ReleaseManifest): void {
  const now = schemaNow(context);
  if (now === undefined || now <= schema.to) return;
  throw new Fault("conflict", `The release ${version} opens stores up to schema ${schema.to}, and this one has ${now} since the upgrade. Nothing was changed.`, {
    hint: "Without what was written since: stop the server, restore the backup from before the upgrade with that release's own executable (cyberun backup restore FILE --replace), and run this again.",
  });
}

export async function rollback(context: Context): Promise<Result> {
  const installed = installationOf(process.execPath);
  const version = previousVersion(installed);
  if (version === undefined) throw new Fault("not_found", "There is no release before the one in use.", { hint: "It is kept by cyberun upgrade and install.sh." });
  requireReadable(context, installedManifest(installed, version, releaseTrust));
  const service = await findService(context);
  await service.stop();
  try {
    switchTo(installed, version);
  } finally {
    await service.start();
  }
  return { data: { version, previous_version: installed.version, is_served: service.isKept }, text: `The release ${version} is in use again instead of ${installed.version}. ${service.isKept ? "It serves." : "Start it: cyberun serve."}` };
}
