import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../build/executables.ts";
import { run, start } from "../support/executable.ts";
import { eventually } from "../support/eventually.ts";
import { canIsolate } from "../support/isolation.ts";
import { type ReleaseDesk, releaseDesk } from "../support/release.ts";

/** Executables are built, started and stopped. */
setDefaultTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), "cyberun-upgrade-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let desk: ReleaseDesk;
const bundles = new Map<string, string>();
const bundleOf = (name: string) => bundles.get(name) ?? "";

async function build(version: string): Promise<string> {
  const outdir = join(folder, `build-${version}`);
  const child = Bun.spawn([process.execPath, join(root, "build", "build.ts"), "--outdir", outdir, "--keys", desk.keys, "--version", version], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  const said = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(said);
  return outdir;
}

/** A release whose executable is a script in front of the good one. */
function spoilt(name: string, version: string, script: string): void {
  const made = join(folder, `spoilt-${name}`);
  cpSync(join(folder, "build-2.0.0"), made, { recursive: true });
  const real = join(folder, "build-2.0.0", "cyberun");
  writeFileSync(join(made, "cyberun"), `#!/bin/sh\n[ "$1" = version ] && echo '{"version": "${version}"}' && exit 0\n${script}\nexec ${real} "$@"\n`);
  chmodSync(join(made, "cyberun"), 0o755);
  const facts = JSON.stringify({ version, target: `${process.platform}-${process.arch}`, built_at: 1_700_000_000, upgrades_from: "0.1.0", schema: { from: 1, to: 1_000 } });
  writeFileSync(join(made, "build.json"), facts);
  bundles.set(name, desk.bundle(made, `${name}.tar.gz`));
}

beforeAll(async () => {
  mkdirSync(join(folder, "desk"));
  desk = releaseDesk(join(folder, "desk"));
  for (const version of ["1.0.0", "2.0.0"]) bundles.set(version, desk.bundle(await build(version), `${version}.tar.gz`));
  const onCopy = `case "$*" in *.rehearsal-*) ON_COPY=yes ;; esac`;
  spoilt("other-license", "3.0.5", `[ "$1 $2" = "license inspect" ] && { echo '{"error": {"message": "It is signed by a stranger.", "code": "invalid_license"}}' >&2; exit 7; }`);
  const counter = join(folder, "counter.js");
  writeFileSync(counter, 'const { Database } = require("bun:sqlite"); const store = new Database(process.argv.at(-1)); console.log(["webhooks", "webhook_deliveries", "outbox"].map((table) => store.query("select count(*) as count from " + table).get().count).join(" ")); store.close();');
  spoilt("counts", "3.0.6", `${onCopy}\n[ "$1" = serve ] && [ -n "$ON_COPY" ] && ${process.execPath} ${counter} "$3/cyberun.db" > ${join(folder, "counted")}`);
  spoilt("idle", "3.0.3", '[ "$1" = agent ] && exit 1');
  spoilt("dead", "3.0.0", '[ "$1" = serve ] && exit 1');
  // On the copy it serves, on the deployment itself it ends.
  spoilt("dead-later", "3.0.1", `${onCopy}\n[ "$1" = serve ] && [ -z "$ON_COPY" ] && exit 1`);
  // It changes the schema, writes rows of its own, and ends.
  const spoiler = join(folder, "spoiler.js");
  writeFileSync(spoiler, 'const { Database } = require("bun:sqlite"); const store = new Database(process.argv.at(-1)); store.run("update migrations set number = 900 where number = (select max(number) from migrations)"); store.run("pragma foreign_keys = off"); store.run("delete from users"); store.close();');
  spoilt("destructive", "3.0.2", `${onCopy}\n[ "$1" = serve ] && [ -z "$ON_COPY" ] && { ${process.execPath} ${spoiler} "$3/cyberun.db" 2>${join(folder, "spoiler.log")}; exit 1; }`);
}, 480_000);

interface Host {
  readonly prefix: string;
  readonly dataDir: string;
  readonly executable: string;
}

/** Unpacks the release and runs the installer in it; gives its exit code. */
function install(prefix: string, version: string, inside: readonly string[] = []): number {
  const media = mkdtempSync(join(folder, "media-"));
  expect(Bun.spawnSync(["tar", "-xzf", bundleOf(version), "-C", media]).exitCode).toBe(0);
  const [top = ""] = readdirSync(media);
  return Bun.spawnSync([...inside, "sh", join(media, top, "install.sh"), "--prefix", prefix, "--no-service", "--allow-unverified"], { stdio: ["ignore", "ignore", "inherit"] }).exitCode;
}

/** As the installer leaves it, with a deployment that has an administrator. */
async function host(name: string): Promise<Host> {
  const prefix = join(folder, name);
  expect(install(prefix, "1.0.0")).toBe(0);
  const made = { prefix, dataDir: join(prefix, "data"), executable: join(prefix, "bin", "cyberun") };
  await using running = await start(["trial"], { executable: made.executable, dataDir: made.dataDir });
  expect(await running.stop()).toBe(0);
  const password = join(prefix, "password");
  writeFileSync(password, "a password that is long enough\n");
  expect(await run(["admin", "create", "--email", "ada@example.com", "--password-file", password], made)).toMatchObject({ exitCode: 0 });
  return made;
}

function users({ dataDir }: Host): number | undefined {
  using store = new Database(join(dataDir, "cyberun.db"), { readonly: true });
  return store.query<{ count: number }, []>("select count(*) as count from users").get()?.count;
}

const current = ({ prefix }: Host) => readlinkSync(join(prefix, "lib", "cyberun", "current"));
const releasesOf = ({ prefix }: Host) => readdirSync(join(prefix, "lib", "cyberun", "releases")).toSorted();

async function versionOf(site: Host): Promise<string> {
  return JSON.parse((await run(["version", "--json"], site)).stdout).version;
}

test("the next release takes over with all data, and the one before comes back", async () => {
  const site = await host("good");
  const before = users(site);
  const upgraded = await run(["upgrade", "--from", bundleOf("2.0.0"), "--json"], site);
  expect([upgraded.exitCode, upgraded.stderr]).toEqual([0, expect.stringContaining("a task went from its submission to its result on the copy\ncyberun: the release 2.0.0 has served a copy of this deployment")]);
  expect(JSON.parse(upgraded.stdout)).toMatchObject({ version: "2.0.0", previous_version: "1.0.0", is_served: false });
  expect([current(site), await versionOf(site), users(site), before]).toEqual(["releases/2.0.0", "2.0.0", 1, 1]);
  await using running = await start(["serve"], { executable: site.executable, dataDir: site.dataDir });
  expect((await fetch(`${running.urls.api}/readyz`)).status).toBe(200);
  const refused = await run(["rollback"], site);
  expect([refused.exitCode, refused.stderr]).toEqual([6, expect.stringContaining("Stop it")]);
  expect(await running.stop()).toBe(0);
  expect(await run(["rollback"], site)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("The release 1.0.0 is in use again instead of 2.0.0.") });
  expect([current(site), await versionOf(site), users(site)]).toEqual(["releases/1.0.0", "1.0.0", 1]);
  expect(readdirSync(site.dataDir).filter((name) => name.startsWith(".rehearsal"))).toEqual([]);
});

test("the copy has nothing to tell anybody, and the deployment goes on to have it", async () => {
  const site = await host("counts");
  {
    using store = new Database(join(site.dataDir, "cyberun.db"));
    const { id: team = "" } = store.query<{ id: string }, []>("select id from teams").get() ?? {};
    const filled = (table: string, given: Readonly<Record<string, string>>) => {
      const columns = store.query<{ name: string; type: string; notnull: number; dflt_value: string | null }, []>(`pragma table_info(${table})`).all().filter(({ name, notnull, dflt_value }) => name in given || (notnull === 1 && dflt_value === null));
      store.query(`insert into ${table} (${columns.map(({ name }) => name).join(", ")}) values (${columns.map(() => "?").join(", ")})`).run(...columns.map(({ name, type }) => given[name] ?? (type.toLowerCase() === "text" ? "x" : 1)));
    };
    filled("webhooks", { id: "hook", team_id: team, webhook_status: "active", webhook_events: "[]" });
    filled("webhook_deliveries", { id: "delivery", team_id: team, webhook_id: "hook", delivery_status: "pending", attempts: "[]" });
    filled("outbox", { id: "letter" });
  }
  expect(await run(["upgrade", "--from", bundleOf("counts")], site)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(folder, "counted"), "utf8")).toBe("0 0 0\n");
  using store = new Database(join(site.dataDir, "cyberun.db"), { readonly: true });
  expect(store.query<{ id: string }, []>("select id from webhooks").all()).toEqual([{ id: "hook" }]);
});

test("what failed leaves the way back that there was", async () => {
  const site = await host("way back");
  expect(await run(["upgrade", "--from", bundleOf("2.0.0")], site)).toMatchObject({ exitCode: 0 });
  for (const name of ["dead", "dead-later"]) expect((await run(["upgrade", "--from", bundleOf(name)], site)).exitCode).not.toBe(0);
  expect([current(site), readlinkSync(join(site.prefix, "lib", "cyberun", "previous"))]).toEqual(["releases/2.0.0", "releases/1.0.0"]);
  expect(await run(["rollback"], site)).toMatchObject({ exitCode: 0 });
  expect(await versionOf(site)).toBe("1.0.0");
});

/** What stands for systemd: it keeps the server of the site, and says so when it is asked. */
function systemctlOf({ dataDir, executable }: Host): { readonly path: string; stop(): void } {
  const commands = mkdtempSync(join(folder, "commands-"));
  const pid = join(commands, "pid");
  const lives = `[ -f ${pid} ] && kill -0 "$(cat ${pid})" 2>/dev/null`;
  const start = `CYBERUN_DATA_DIR="${dataDir}" CYBERUN_LICENSE_PORT=0 CYBERUN_API_PORT=0 CYBERUN_GATEWAY_PORT=0 CYBERUN_ISSUER_PORT=0 "${executable}" serve >/dev/null 2>&1 & echo $! > ${pid}`;
  const stop = `${lives} && kill "$(cat ${pid})" && tail --pid="$(cat ${pid})" -f /dev/null; rm -f ${pid}`;
  writeFileSync(join(commands, "systemctl"), `#!/bin/sh\ncd /\ncase $1 in\nis-active) ${lives} ;;\nshow) echo "ExecStart={ path=${executable} ; argv[]=${executable} serve ; }" ;;\nstart) ${lives} || { ${start}\n} ;;\nstop) ${stop} ;;\n*) exit 1 ;;\nesac\n`, { mode: 0o755 });
  const call = (verb: string) => Bun.spawnSync([join(commands, "systemctl"), verb, "cyberun.service"], { env: { PATH: process.env["PATH"] ?? "", HOME: folder } });
  call("start");
  return { path: `${commands}:${process.env["PATH"] ?? ""}`, stop: () => call("stop") };
}

test("a server that a service keeps goes on until the switch, and serves after it, whatever becomes of the release", async () => {
  const site = await host("service");
  const systemd = systemctlOf(site);
  const kept = { ...site, env: { PATH: systemd.path } };
  const servedVersion = async () => {
    await eventually(async () => (await run(["doctor", "--json"], kept)).stdout.includes("A server runs on"), "the service serves");
    return await versionOf(site);
  };
  try {
    expect(await servedVersion()).toBe("1.0.0");
    const failed = await run(["upgrade", "--from", bundleOf("dead-later")], kept);
    expect([failed.exitCode, await servedVersion()]).toEqual([3, "1.0.0"]);
    const done = await run(["upgrade", "--from", bundleOf("2.0.0"), "--json"], kept);
    expect([done.exitCode, done.exitCode === 0 ? JSON.parse(done.stdout).is_served : done.stderr]).toEqual([0, true]);
    expect(await servedVersion()).toBe("2.0.0");
    expect(await run(["rollback"], kept)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("It serves.") });
    expect([await servedVersion(), users(site)]).toEqual(["1.0.0", 1]);
    const other = await host("not its service");
    await using running = await start(["serve"], { executable: other.executable, dataDir: other.dataDir });
    // The service is another installation's, and is not stopped for this one.
    expect(await run(["upgrade", "--from", bundleOf("2.0.0")], { ...other, env: { PATH: systemd.path } })).toMatchObject({ exitCode: 6, stderr: expect.stringContaining("no service cyberun.service keeps it") });
    expect(await running.stop()).toBe(0);
    expect(await servedVersion()).toBe("1.0.0");
  } finally {
    systemd.stop();
  }
});

const NOBODY = 65_534;

test("root leaves nothing of its own in the data directory of another user, whatever its umask", async () => {
  // Only root can be another user; who is not one upgrades its own installation, as in the other tests.
  if (process.getuid?.() !== 0) return;
  const site = await host("of nobody");
  chmodSync(folder, 0o755);
  expect(Bun.spawnSync(["chown", "-R", `${NOBODY}:${NOBODY}`, site.dataDir]).exitCode).toBe(0);
  const strict = join(folder, "strict");
  writeFileSync(strict, `#!/bin/sh\numask 077\nexec "${site.executable}" "$@"\n`, { mode: 0o755 });
  const upgraded = await run(["upgrade", "--from", bundleOf("2.0.0")], { ...site, executable: strict });
  expect([upgraded.exitCode, upgraded.exitCode === 0 ? "" : upgraded.stderr]).toEqual([0, ""]);
  const strangers = Bun.spawnSync(["find", site.dataDir, "!", "-uid", String(NOBODY)]).stdout.toString();
  expect([strangers, Bun.spawnSync([site.executable, "version"], { uid: NOBODY, gid: NOBODY }).stdout.toString()]).toEqual(["", expect.stringContaining("cyberun 2.0.0")]);
});

test.each([
  ["other-license", 6, /it does not accept the license of this deployment: It is signed by a stranger\./],
  ["idle", 6, /does not serve a copy of this deployment: a task does not come to its end/],
  ["dead", 6, /does not serve a copy of this deployment: it ended with 1 at its start\. Nothing was changed\./],
  ["dead-later", 3, /does not serve here: it ended with 1 at its start\. The release 1\.0\.0 is in use again, with all data\./],
  ["destructive", 3, /The release 1\.0\.0 is in use again, with all data\./],
])("a broken release goes by itself, and no row with it: %s", async (name, exit, says) => {
  const site = await host(name);
  const { exitCode, stderr } = await run(["upgrade", "--from", bundleOf(name)], site);
  expect([exitCode, stderr]).toEqual([exit, expect.stringMatching(says)]);
  expect([current(site), await versionOf(site), users(site), releasesOf(site)]).toEqual(["releases/1.0.0", "1.0.0", 1, ["1.0.0"]]);
  // The store was put back where it had been changed, and nowhere else.
  expect(readdirSync(site.dataDir).some((each) => each.startsWith("before-restore-"))).toBe(name === "destructive");
  await using running = await start(["serve"], { executable: site.executable, dataDir: site.dataDir });
  expect((await fetch(`${running.urls.api}/readyz`)).status).toBe(200);
  expect(await running.stop()).toBe(0);
});

test("what does not fit is refused before anything is done", async () => {
  const site = await host("refusals");
  const says = async (bundle: string) => {
    const { exitCode, stderr } = await run(["upgrade", "--from", bundle], site);
    return [exitCode, stderr];
  };
  expect(await says(bundleOf("1.0.0"))).toEqual([6, expect.stringContaining("The release 1.0.0 is in use already. Nothing was changed.")]);
  writeFileSync(join(folder, "cut.tar.gz"), Buffer.from(await Bun.file(bundleOf("2.0.0")).slice(0, 1_000_000).bytes()));
  expect(await says(join(folder, "cut.tar.gz"))).toEqual([6, expect.stringContaining("cut short")]);
  expect((await run(["upgrade"], site)).exitCode).toBe(2);
  const outside = join(folder, "build-1.0.0", "cyberun");
  expect(await run(["upgrade", "--from", bundleOf("2.0.0")], { ...site, executable: outside })).toMatchObject({ exitCode: 6, stderr: expect.stringContaining("is not the one in use of an installation") });
  await using running = await start(["serve"], { executable: site.executable, dataDir: site.dataDir });
  expect(await says(bundleOf("2.0.0"))).toEqual([6, expect.stringContaining("Stop it, run this again")]);
  expect(await running.stop()).toBe(0);
  expect([releasesOf(site), existsSync(join(site.dataDir, "backups"))]).toEqual([["1.0.0"], false]);
});

/** A network namespace with loopback alone, for as long as its holder lives. */
async function namespace(): Promise<AsyncDisposable & { readonly enter: readonly string[]; counted(name: string): number }> {
  const holder = Bun.spawn(["unshare", "--map-root-user", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  for await (const said of holder.stdout) if (Buffer.from(said).toString().includes("up")) break;
  const counters = () => readFileSync(`/proc/${holder.pid}/net/snmp`, "utf8").split("\n").filter((line) => /^(?:Ip|Udp):/.test(line)).map((line) => line.split(" "));
  return {
    enter: ["nsenter", "--target", String(holder.pid), "--user", "--net", "--preserve-credentials"],
    counted(name) {
      const rows = counters();
      const at = rows.findIndex((row) => row.includes(name));
      return Number(rows[at + 1]?.[rows[at]?.indexOf(name) ?? 0]);
    },
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await holder.exited;
    },
  };
}

test("the whole life of a deployment, with loopback as its only network where namespaces can be made", async () => {
  await using alone = canIsolate() ? await namespace() : undefined;
  const enter = alone?.enter ?? [];
  const prefix = join(folder, "air gap");
  const inside = join(folder, "inside");
  writeFileSync(inside, `#!/bin/sh\nexec ${enter.join(" ")} "${join(prefix, "bin", "cyberun")}" "$@"\n`);
  chmodSync(inside, 0o755);
  const site = { prefix, dataDir: join(folder, "air-gap-data"), executable: inside };
  const done = async (...words: readonly string[]) => {
    const { exitCode, stdout, stderr } = await run([...words, "--json"], site);
    expect([words[0], exitCode, exitCode === 0 ? "" : stderr]).toEqual([words[0], 0, ""]);
    return JSON.parse(stdout);
  };
  expect(install(prefix, "1.0.0", enter)).toBe(0);
  const password = join(folder, "password");
  writeFileSync(password, "a password that is long enough\n");
  {
    await using running = await start(["trial"], site);
    await done("admin", "create", "--email", "ada@example.com", "--password-file", password);
    const person = ["--api-url", running.urls.api ?? "", "--email", "ada@example.com", "--password-file", password];
    const key = join(folder, "agent.key");
    await done("keys", "create", "--kind", "agent", "--name", "one", "--out", key, ...person);
    writeFileSync(join(folder, "workflow.json"), JSON.stringify({ workflow_slug: "work", display_name: "Work", tool_type: "command", workflow_json: { command: "work" } }));
    await done("workflows", "import", join(folder, "workflow.json"), ...person);
    writeFileSync(join(folder, "agent.json"), JSON.stringify({ gateway_url: running.urls.gateway, agent_id: "one", key_file: key, data_dir: join(folder, "agent"), commands: { work: { argv: ["/bin/true"] } } }));
    const agent = Bun.spawn([inside, "agent", "run", join(folder, "agent.json")], { stdio: ["ignore", "ignore", "ignore"] });
    try {
      expect(await done("run", "work", "--wait", ...person)).toMatchObject({ task_status: "completed" });
    } finally {
      agent.kill("SIGKILL");
      await agent.exited;
    }
    expect(await running.stop()).toBe(0);
  }
  const { path } = await done("backup", "create");
  await done("backup", "verify", path);
  rmSync(join(site.dataDir, "cyberun.db"));
  await done("backup", "restore", path, "--replace");
  expect(await done("upgrade", "--from", bundleOf("2.0.0"))).toMatchObject({ version: "2.0.0" });
  expect([await versionOf(site), users(site)]).toEqual(["2.0.0", 1]);
  await done("rollback");
  expect([await versionOf(site), users(site)]).toEqual(["1.0.0", 1]);
  const script = join(prefix, "lib", "cyberun", "current", "install.sh");
  expect(Bun.spawnSync([...enter, "sh", script, "--prefix", prefix, "--uninstall"]).exitCode).toBe(0);
  expect([existsSync(join(prefix, "lib", "cyberun")), existsSync(site.dataDir)]).toEqual([false, true]);
  // Nothing was sent to where there is no way, and no datagram at all, so that no name was asked for.
  if (alone === undefined) return;
  expect({ unreachable: alone.counted("OutNoRoutes"), datagrams: alone.counted("OutDatagrams") }).toEqual({ unreachable: 0, datagrams: 0 });
  expect(alone.counted("OutRequests")).toBeGreaterThan(0);
});
