/**
 * `cyberun upgrade` and `cyberun rollback`: another release takes the place of the one in use, or gives it back.
 *
 *     verify → preflight → backup, drilled → stage → rehearse on a copy → stop → switch → start and look → else switch back
 *
 * Rule: until the switch nothing of the deployment is touched, and it goes on serving; after it, whatever fails puts the release before
 * and the data as they were back in place.
 */
import { statfsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { dataDirectory } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { compareVersions, type ReleaseManifest } from "../release/documents.ts";
import { executableOf, type Installation, installationOf, installedManifest, previousVersion, removeRelease, stageRelease, switchBack, switchTo } from "../release/installation.ts";
import { releaseTrust } from "../release/trust.ts";
import { verifyRelease } from "../release/verify.ts";
import { takeProcessLock } from "../store/sqlite-connection.ts";
import { findSchema, schemaOfBuild } from "../store/sqlite-snapshot.ts";
import { membersOf } from "./api-client.ts";
import { asOwner, runAsOwner, textIn } from "./as-owner.ts";
import type { Context, Result } from "./context.ts";
import { requireOption } from "./required.ts";
import { findService, type Service } from "./service.ts";
import { passphraseWords, rehearse, startsAndServes, strangeness } from "./rehearsal.ts";

const BESIDE = 100_000_000;
/** A drill, a rehearsal and one more backup each need as much as the first backup. */
const COPIES = 3;

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

/** One that upgrades or goes back at a time; the lock ends with its process. Throws Fault `conflict`. */
function alone({ root }: Installation): Disposable {
  try {
    const lock = takeProcessLock(join(root, "upgrade"));
    return { [Symbol.dispose]: () => lock.release() };
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "conflict") throw cause;
    throw new Fault("conflict", `Another upgrade or rollback of ${root} is under way.`, { hint: "Wait until it has ended, and run this again.", cause });
  }
}

/** The path where systemd and people start it. */
function linkOf({ root }: Installation): string {
  return join(root, "..", "..", "bin", "cyberun");
}

/** A backup, as the daily ones are encrypted; its path. */
function backUp({ config }: Context): string {
  const { answer, problem } = runAsOwner(config, process.execPath, ["backup", "create", ...passphraseWords(config)]);
  const path = textIn(answer, "path");
  if (path === undefined) throw refused(`No backup could be made: ${problem ?? "it was not told where it is."}`, "Mend what it says first: an upgrade needs a way back.");
  if ((textIn(answer, "database") === "elsewhere") === (config.databaseUrl !== undefined)) return path;
  throw refused("The server that runs keeps its database elsewhere than the settings of this command say.", "Give this command the server's settings: --config FILE, or its variables.");
}

/** Throws Fault `precondition_failed` when the backup does not stand a restore. */
function drill({ config }: Context, backup: string): void {
  const { answer, problem } = runAsOwner(config, process.execPath, ["backup", "drill", backup, ...passphraseWords(config)]);
  if (problem === undefined) return;
  const { problems } = membersOf(answer);
  throw refused(`The backup ${backup} is not good: ${Array.isArray(problems) ? problems.join(" ") : problem}`, "Mend what it says first: an upgrade needs a way back.");
}

interface Switch {
  readonly installed: Installation;
  readonly version: string;
  readonly service: Service;
}

/** Puts the data back as they were when the server stopped, if the new release has changed their schema. */
function takeDataBack(context: Context, backup: string): void {
  const schema = schemaNow(context);
  if (schema === undefined || schema <= schemaOfBuild) return;
  const { problem } = runAsOwner(context.config, process.execPath, ["backup", "restore", backup, "--replace", ...passphraseWords(context.config)]);
  if (problem !== undefined) throw new Fault("unavailable", `The release before is in use again, and its data could not be put back: ${problem}`, { hint: `Stop the server and run: cyberun backup restore ${backup} --replace` });
}

/** Undefined where there is no store in the data directory. */
function schemaNow({ config }: Context): number | undefined {
  return config.databaseUrl === undefined ? asOwner(config.dataDir, () => findSchema(dataDirectory(config.dataDir).database)) : undefined;
}

/** A sentence when the release does not serve the deployment, after which it may serve nothing. */
async function problemInUse(context: Context, { installed, version, service }: Switch): Promise<string | undefined> {
  try {
    switchTo(installed, version);
    return (await startsAndServes(context, executableOf(installed, version))) ?? (await service.startProblem());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Switches while nothing serves. Throws Fault `unavailable` once everything is as it was. */
async function switchOver(context: Context, change: Switch): Promise<void> {
  const { installed, version, service } = change;
  const previous = previousVersion(installed);
  service.stop();
  let isDone = false;
  try {
    const backup = backUp(context);
    const problem = await problemInUse(context, change);
    isDone = problem === undefined;
    if (isDone) return;
    switchBack(installed, previous);
    service.stop();
    takeDataBack(context, backup);
    const data = context.config.databaseUrl === undefined ? "with all data" : "on the database as it is now; put your dump back if it does not open it";
    throw new Fault("unavailable", `The release ${version} does not serve here: ${problem} The release ${installed.version} is in use again, ${data}.`, { hint: "Send the vendor this sentence and the log." });
  } finally {
    if (!isDone) service.start();
  }
}

/** Tries the staged release where nothing depends on it. Throws Fault `precondition_failed` with what is wrong. */
async function tryStaged(context: Context, fresh: string, { version, backup }: { readonly version: string; readonly backup: string }): Promise<void> {
  const isHere = context.config.databaseUrl === undefined;
  const problem = strangeness(context, fresh, version) ?? (isHere ? await rehearse(context, fresh, backup) : undefined);
  if (problem !== undefined) throw refused(`The release ${version} does not serve a copy of this deployment: ${problem}`, "Send the vendor this sentence.");
  say(context, isHere ? `the release ${version} has served a copy of this deployment` : "the database is PostgreSQL's, so no copy was tried, and what the release changes in it is not taken back: have a dump of it");
}

function say({ terminal }: Context, line: string): void {
  terminal.err(`cyberun: ${line}\n`);
}

function servedText({ isKept }: Service): string {
  return isKept ? "It serves." : "Start it: cyberun serve.";
}

export async function upgrade(context: Context): Promise<Result> {
  const { config } = context;
  const bundle = resolve(requireOption(context, "from"));
  const installed = installationOf(process.execPath);
  using _lock = alone(installed);
  const { manifest, keyId } = verifyRelease(bundle, releaseTrust);
  const { version } = manifest;
  say(context, `the release ${version} is whole and signed by its vendor (${keyId})`);
  requireFitting(context, installed, manifest);
  requireRoom(installed.root, sizeOf(manifest));
  const service = await findService(context, linkOf(installed));
  const backup = backUp(context);
  requireRoom(config.dataDir, COPIES * statSync(backup).size);
  drill(context, backup);
  say(context, `the backup ${backup} is made and was restored for trial`);
  stageRelease(installed, { bundle, version, trust: releaseTrust });
  try {
    await tryStaged(context, executableOf(installed, version), { version, backup });
    await switchOver(context, { installed, version, service });
  } catch (error) {
    removeRelease(installed, version);
    throw error;
  }
  return { data: { version, previous_version: installed.version, backup, release_key: keyId, is_served: service.isKept, data_dir: config.dataDir }, text: `The release ${version} is in use instead of ${installed.version}. ${servedText(service)}\ncyberun rollback goes back to it.` };
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
  using _lock = alone(installed);
  const version = previousVersion(installed);
  if (version === undefined) throw new Fault("not_found", "There is no release before the one in use.", { hint: "It is kept by cyberun upgrade and install.sh." });
  requireReadable(context, installedManifest(installed, version, releaseTrust));
  const service = await findService(context, linkOf(installed));
  service.stop();
  try {
    switchTo(installed, version);
  } finally {
    service.start();
  }
  return { data: { version, previous_version: installed.version, is_served: service.isKept }, text: `The release ${version} is in use again instead of ${installed.version}. ${servedText(service)}` };
}
