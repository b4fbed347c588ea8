/**
 * What a host can do to the executable: a full disk, a disk that can only be read, lost permissions, a taken port, a wrong clock. Each is told
 * in one sentence with a documented exit code, damages nothing, and once it is mended the same data directory serves with all rows.
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { cyberunExecutable, executableBuiltAt, run, type Running, start } from "../support/executable.ts";
import { temporaryFolder } from "../support/folder.ts";
import { canLosePermissions, canMount, openDisk, type OwnDisk, subjectToPermissions } from "../support/own-disk.ts";
import { testUnless } from "../support/skip.ts";
import { type Administrator, administrator, call, signIn } from "../support/workshop.ts";

const LIMIT_MS = 120_000;

interface Site {
  readonly executable: string;
  readonly dataDir: string;
}

const startTrial = (site: Site): Promise<Running> => start(["trial"], site);

async function makeAdministrator({ executable, dataDir }: Site, folder: string): Promise<void> {
  const password = join(folder, "password");
  writeFileSync(password, `${administrator.user_password}\n`);
  const { exitCode, stderr } = await run(["admin", "create", "--email", administrator.email_address, "--password-file", password], { executable, dataDir });
  expect([exitCode, stderr]).toEqual([0, ""]);
}

interface Visit {
  readonly site: Running;
  readonly owner: Administrator;
}

async function visit(site: Running): Promise<Visit> {
  return { site, owner: await signIn(site) };
}

async function ask({ site, owner }: Visit, path: string, body?: object) {
  const { token, teamId } = owner;
  return await call(site.urls.api, `/api/v1${path}`, { bearer: token, teamId, ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }) });
}

const addWorkflow = (at: Visit, slug: string) => ask(at, "/workflows", { workflow_slug: slug, display_name: slug });
const workflow = (at: Visit, slug: string) => ask(at, `/r/workflows/slug/${slug}`);

/** Someone and something to be lost. */
async function populate(site: Site, folder: string): Promise<void> {
  await makeAdministrator(site, folder);
  await using running = await startTrial(site);
  expect((await addWorkflow(await visit(running), "kept")).status).toBe(201);
  expect(await running.stop()).toBe(0);
}

interface Told {
  readonly exit: number;
  readonly message: string;
  readonly hint: string;
  readonly command?: readonly string[];
}

/** It ends by itself, with this sentence last. */
async function expectRefusal({ executable, dataDir }: Site, { exit, message, hint, command = ["serve"] }: Told): Promise<void> {
  const { exitCode, stdout, stderr } = await run([...command, "--json"], { executable, dataDir });
  const { error } = JSON.parse(stderr.trim().split("\n").at(-1) ?? "");
  expect(error).toMatchObject({ message, hint: expect.stringContaining(hint) });
  expect([exitCode, stdout]).toEqual([exit, ""]);
  expect(stderr).not.toContain("    at ");
}

/** The mended directory serves, with all rows and a whole audit log. */
async function expectWhole(site: Site): Promise<void> {
  await using running = await startTrial(site);
  expect((await workflow(await visit(running), "kept")).status).toBe(200);
  expect(await run(["audit", "verify"], site)).toMatchObject({ exitCode: 0 });
  expect(await running.stop()).toBe(0);
  expect(existsSync(join(site.dataDir, "operator.sock"))).toBe(false);
}

function testOnDisk(name: string, body: (disk: OwnDisk, folder: string) => Promise<void>): void {
  const whole = async () => {
    using folder = temporaryFolder();
    await using disk = await openDisk(await cyberunExecutable(), folder.path);
    await body(disk, folder.path);
  };
  testUnless(canMount() ? undefined : "needs a user and a mount namespace, which this machine does not let a test make", name, whole, LIMIT_MS);
}

function testSubject(name: string, body: (folder: string) => Promise<void>): void {
  const whole = async () => {
    using folder = temporaryFolder();
    await body(folder.path);
  };
  testUnless(canLosePermissions() ? undefined : "needs another user than a root whose rights cannot be taken away", name, whole, LIMIT_MS);
}

describe("a full disk", () => {
  const hint = "Make room on the disk";

  testOnDisk("a first start is refused however much fits, and is as if it had not been", async (disk, folder) => {
    mkdirSync(disk.seenDataDir);
    const file = (name: string) => `The file ${join(disk.dataDir, name)} cannot be read or written: the disk is full.`;
    disk.fill();
    await expectRefusal(disk, { exit: 3, message: file("master.key"), hint });
    await expectRefusal(disk, { command: ["trial"], exit: 3, message: file("license.lic"), hint });
    for (const left of [8_192, 12_288, 65_536, 524_288]) {
      disk.makeRoom();
      disk.fill(left);
      await expectRefusal(disk, { exit: 3, message: expect.stringMatching(/^The (file|database).*: the disk is full\.$/), hint: "" });
    }
    disk.makeRoom();
    await populate(disk, folder);
    await expectWhole(disk);
  });

  testOnDisk("a start on what is there is refused, and damages nothing", async (disk, folder) => {
    await populate(disk, folder);
    disk.fill();
    await expectRefusal(disk, { exit: 3, message: `The database file ${join(disk.dataDir, "cyberun.db")} cannot be opened: the disk is full.`, hint });
    disk.makeRoom();
    await expectWhole(disk);
  });

  testOnDisk("a server on it goes on reading, refuses each change with 503, keeps what it acknowledged, and goes on once there is room", async (disk, folder) => {
    await populate(disk, folder);
    await using running = await startTrial(disk);
    const at = await visit(running);
    const bytes = Buffer.alloc(1_000_000, "x");
    const presigned = (await ask(at, "/r/files/presign", { file_name: "a.bin", file_size: bytes.length, content_type: "application/octet-stream" })).body;
    const send = () => fetch(String(presigned["upload_url"]), { method: "PUT", body: bytes, headers: new Headers(Object.entries({ ...Object(presigned["upload_headers"]) })) });
    disk.fill();
    const kept: string[] = ["kept"];
    let refused = await addWorkflow(at, "w0");
    for (let number = 1; refused.status === 201 && number < 5_000; number += 1) {
      kept.push(`w${number - 1}`);
      refused = await addWorkflow(at, `w${number}`);
    }
    expect(refused).toMatchObject({ status: 503, body: { error_code: "unavailable", error_message: "The database could not read or write its file: the disk is full.", hint: expect.stringContaining("Check free space") } });
    const upload = await send();
    expect([upload.status, await upload.json()]).toMatchObject([503, { error_message: expect.stringContaining("the disk is full."), hint: expect.any(String) }]);
    for (const slug of kept) expect((await workflow(at, slug)).status).toBe(200);
    expect((await fetch(`${running.urls.api}/healthz`)).status).toBe(200);
    disk.makeRoom();
    expect((await send()).status).toBe(204);
    expect((await addWorkflow(at, "after")).status).toBe(201);
    expect(await run(["audit", "verify"], disk)).toMatchObject({ exitCode: 0 });
    expect(running.stderr()).not.toContain("process.bug");
    await running.kill();
    await using again = await startTrial(disk);
    const back = await visit(again);
    for (const slug of [...kept, "after"]) expect((await workflow(back, slug)).status).toBe(200);
  });

  testOnDisk("a server on it stops when it is told to, without a bug", async (disk, folder) => {
    await populate(disk, folder);
    await using running = await startTrial(disk);
    disk.fill();
    const at = await visit(running).catch(() => undefined);
    for (let number = 0; at !== undefined && (await addWorkflow(at, `w${number}`)).status === 201; number += 1);
    expect([await running.stop(), running.stderr()]).toEqual([0, expect.not.stringContaining("bug")]);
    disk.makeRoom();
    await expectWhole(disk);
  });
});

testOnDisk("a disk that can only be read is told of before anything is opened", async (disk, folder) => {
  await populate(disk, folder);
  disk.remount("ro");
  const hint = "Mount it for writing";
  await expectRefusal(disk, { exit: 3, message: `The data directory ${disk.dataDir} cannot be used: its file system can only be read.`, hint });
  await expectRefusal({ ...disk, dataDir: join(disk.dataDir, "new") }, { exit: 3, message: `The data directory ${join(disk.dataDir, "new")} cannot be used: its file system can only be read.`, hint });
  await expectRefusal(disk, { command: ["admin", "setup-link"], exit: 3, message: `The data directory ${disk.dataDir} cannot be used: its file system can only be read.`, hint });
  disk.remount("rw");
  await expectWhole(disk);
});

describe("lost permissions", () => {
  interface Lost {
    /** In the data directory. */
    readonly path: string;
    readonly mode: number;
    readonly mended: number;
    readonly message: (path: string) => string;
  }
  const directory = (path: string) => `The data directory ${path} cannot be used: this user has no permission.`;
  const file = (path: string) => `The file ${path} cannot be read or written: this user has no permission.`;
  const database = (path: string) => `The database file ${path} cannot be opened: this user has no permission.`;
  const losses: Readonly<Record<string, Lost>> = {
    "the data directory": { path: "", mode: 0o000, mended: 0o700, message: directory },
    "the data directory, for writing": { path: "", mode: 0o500, mended: 0o700, message: directory },
    "the database": { path: "cyberun.db", mode: 0o000, mended: 0o600, message: database },
    "the database, for writing": { path: "cyberun.db", mode: 0o400, mended: 0o600, message: database },
    "the database's lock": { path: "cyberun.db.lock", mode: 0o400, mended: 0o600, message: database },
    "the master key": { path: "master.key", mode: 0o000, mended: 0o600, message: file },
    "the License Server's key": { path: "license/instance.key", mode: 0o000, mended: 0o600, message: file },
    "the audit's anchor": { path: "audit/main.anchor", mode: 0o400, mended: 0o600, message: file },
  };

  for (const [name, { path, mode, mended, message }] of Object.entries(losses)) {
    testSubject(`${name}: a start is refused with its path, and goes well once it is given back`, async (folder) => {
      const site = { executable: subjectToPermissions(await cyberunExecutable(), folder), dataDir: join(folder, "data") };
      await populate(site, folder);
      const meant = path === "" ? site.dataDir : join(site.dataDir, path);
      chmodSync(meant, mode);
      try {
        await expectRefusal(site, { exit: 4, message: message(meant), hint: "(chown)" });
      } finally {
        chmodSync(meant, mended);
      }
      await expectWhole(site);
    });
  }
});

test("a taken port is named with what to do, and the directory serves once it is free", async () => {
  using folder = temporaryFolder();
  const site = { executable: await cyberunExecutable(), dataDir: join(folder.path, "data") };
  await populate(site, folder.path);
  const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const command = ["serve", "--gateway-port", String(taken.port)];
  await expectRefusal(site, { command, exit: 3, message: `Port ${taken.port} on 127.0.0.1 cannot be opened: another program uses it.`, hint: "Choose another port" });
  await taken.stop(true);
  await expectWhole(site);
}, LIMIT_MS);

describe("a wrong clock", () => {
  const future = Date.UTC(2100, 0, 1) / 1_000;
  const remedy = "Set the clock of the host right";

  /** It serves, so that it can be mended; what needs a license waits, and everybody is told why. */
  async function expectAnomaly(site: Site): Promise<void> {
    await using running = await startTrial(site);
    await eventually(() => running.stdout().includes("press Ctrl-C"), "it says that it is ready");
    expect(running.stdout()).toContain("License          clock_anomaly");
    expect(running.stdout()).toContain(remedy);
    const at = await visit(running);
    expect((await ask(at, "/users/me")).status).toBe(200);
    expect(await ask(at, "/r/workflows/slug/kept/run", { parameters: {} })).toMatchObject({ status: 503, body: { error_code: "clock_anomaly", hint: expect.stringContaining(remedy) } });
    const status = await run(["license", "status", "--license-server-addresses", running.urls.license ?? ""], site);
    expect([status.exitCode, status.stdout]).toEqual([7, expect.stringContaining(remedy)]);
    expect(await run(["audit", "verify"], site)).toMatchObject({ exitCode: 0 });
    expect(await running.stop()).toBe(0);
  }

  test("before the time of the build, and then before what the directory has seen: it serves, opens nothing, and loses nothing", async () => {
    using folder = temporaryFolder();
    const site = { executable: await cyberunExecutable(), dataDir: join(folder.path, "data") };
    await populate(site, folder.path);
    const marks = readFileSync(join(site.dataDir, "license", "marks.json"), "utf8");
    await expectAnomaly({ ...site, executable: await executableBuiltAt(future) });
    expect(readFileSync(join(site.dataDir, "license", "marks.json"), "utf8")).not.toBe(marks);
    await expectAnomaly(site);
    const users = await run(["users", "list", "--json"], site);
    expect(users.stdout).toContain(administrator.email_address);
  }, LIMIT_MS);

  test("doctor finds a clock that stands before the build", async () => {
    using folder = temporaryFolder();
    const { exitCode, stdout } = await run(["doctor"], { executable: await executableBuiltAt(future), dataDir: join(folder.path, "data") });
    expect([exitCode, stdout]).toEqual([8, expect.stringContaining("which is before this build was made")]);
  }, LIMIT_MS);
});
