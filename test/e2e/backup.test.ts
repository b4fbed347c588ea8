/**
 * A backup is made of a running deployment by the compiled executable, and restored over it and beside it: people sign in, the
 * license holds, and a key that was revoked meanwhile opens nothing.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { run as runExecutable, type Running } from "../support/executable.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type Administrator, call, createKey, openWorkshop, setUp, signIn, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let folder: Folder;
let license: string;

beforeAll(async () => {
  workshop = await openWorkshop();
  folder = temporaryFolder();
  license = await workshop.sign("backup", ["--template", "enterprise", "--days", "30"]);
}, 60_000);

afterAll(() => {
  folder[Symbol.dispose]();
  workshop.close();
});

const file = () => join(folder.path, "one.cyberun-backup");
const dataDir = () => join(folder.path, "data");
const cyberun = (words: readonly string[], at = dataDir()) => runExecutable([...words, "--json"], { executable: workshop.cyberun, dataDir: at });
const opens = async (site: Running, key: string) => (await call(site.urls.api, "/api/v1/r/workflows", { bearer: key })).status;

/** The backup, and keys of which one is revoked after it. */
async function backUp(site: Running, ada: Administrator) {
  const [kept, revoked] = [await createKey(site, ada, "integration"), await createKey(site, ada, "integration")];
  const made = await cyberun(["backup", "create", "--to", file()]);
  expect([made.exitCode, made.stderr]).toEqual([0, ""]);
  const drilled = await cyberun(["backup", "drill", file()]);
  expect([drilled.exitCode, JSON.parse(drilled.stdout)]).toMatchObject([0, { passed: true, problems: [] }]);
  expect((await call(site.urls.api, `/api/v1/credentials/${revoked.id}`, { method: "DELETE", bearer: ada.token, teamId: ada.teamId })).status).toBeLessThan(300);
  return { kept: kept.key, revoked: revoked.key, signer: String(JSON.parse(made.stdout).signer) };
}

async function readState(site: Running, { token, teamId }: Administrator): Promise<void> {
  const state = await call(site.urls.api, "/api/v1/deployment/backups", { bearer: token, teamId });
  expect(state).toMatchObject({ status: 200, body: { backup_at: null, next_due_at: null, last_backup: { path: file(), database: "included" }, last_drill: { passed: true } } });
  expect((await call(site.urls.api, "/api/v1/deployment/backups")).status).toBe(401);
  const { body } = await call(site.urls.api, "/metrics");
  expect(String(body["text"])).toContain("cyberun_backup_last_drill_passed 1\n");
}

test("made while it serves, restored over it and beside it", async () => {
  const first = await workshop.serve(license, { dataDir: dataDir() });
  const ada = await setUp(workshop, first);
  const { kept, revoked, signer } = await backUp(first, ada);
  await readState(first, ada);
  const live = await cyberun(["backup", "restore", file(), "--replace"]);
  expect([live.exitCode, live.stderr]).toEqual([6, expect.stringContaining("A server runs on the data directory")]);
  await first[Symbol.asyncDispose]();

  expect((await cyberun(["backup", "restore", file(), "--replace"])).exitCode).toBe(0);
  {
    await using again = await workshop.serve(license, { dataDir: dataDir() });
    expect((await signIn(again)).teamId).toBe(ada.teamId);
    expect([await opens(again, kept), await opens(again, revoked)]).toEqual([200, 401]);
  }

  const beside = join(folder.path, "beside");
  expect((await cyberun(["backup", "restore", file(), "--signer", signer], beside)).exitCode).toBe(0);
  await using other = await workshop.serve(license, { dataDir: beside });
  // Nothing here can know of the revocation: the handbook says what to do.
  expect([await opens(other, kept), await opens(other, revoked)]).toEqual([200, 200]);
}, 120_000);
