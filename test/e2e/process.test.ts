/** The executable as a process: what it prints, how it stops, and what it says when it cannot start. */
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { cyberunExecutable, type Ended, type Running, run, start } from "../support/executable.ts";
import { testAuthority } from "../support/certificates.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testNeeding } from "../support/skip.ts";

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

function events(text: string): readonly unknown[] {
  return lines(text).map((line) => JSON.parse(line).event);
}

describe("trial", () => {
  test("prints one block with all that a person needs, serves, and stops without a trace of having run", async () => {
    await using trial = await start(["trial"]);
    const { api, gateway, issuer, license } = trial.urls;
    await said(trial.stdout, "press Ctrl-C\n");
    const block = trial.stdout();
    for (const text of ["Cyberun trial is ready.", `Dashboard        ${api}\n`, `Set up           ${api}/setup/`, "License          ok, trial, ends 20", `Gateway          ${gateway}\n`, `Issuer           ${issuer}\n`, `License Server   ${license}\n`, `Data             ${trial.dataDir}\n`, "press Ctrl-C"]) {
      expect(block).toContain(text);
    }
    expect(trial.stderr()).toBe("");
    const setup = /http\S+\/setup\/\S+/.exec(block)?.[0] ?? "";
    expect((await fetch(setup)).status).toBe(200);
    expect(statSync(join(trial.dataDir, "operator.sock")).mode & 0o777).toBe(0o600);
    expect(await trial.stop()).toBe(0);
    expect(trial.stdout()).toBe(block);
    expect(trial.stderr()).toBe("");
    expect(readdirSync(trial.dataDir).sort()).toEqual(["audit", "cyberun.db", "cyberun.db.lock", "license", "license.lic", "master.key", "roles"]);
  });

  test("after set-up there is no set-up link any more, and a license that lies there is not touched", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const created = await run(["admin", "create", "--email", "a@example.com", "--password-file", written(folder.path, "pw", "long enough 1\n")], { dataDir });
    expect(created).toMatchObject({ exitCode: 0, stderr: "" });
    writeFileSync(join(dataDir, "license.lic"), "mine");
    await using trial = await start(["trial"], { dataDir });
    await said(trial.stdout, "press Ctrl-C\n");
    expect(trial.stdout()).not.toContain("Set up");
    expect(trial.stdout()).toContain("License          invalid\n");
    expect(readFileSync(join(dataDir, "license.lic"), "utf8")).toBe("mine");
  });

  test("as JSON it is one object on standard output", async () => {
    await using trial = await start(["trial", "--json"]);
    await said(trial.stdout, "\n");
    expect(lines(trial.stdout())).toHaveLength(1);
    expect(JSON.parse(trial.stdout())).toMatchObject({ schema_version: 1, urls: trial.urls, setup_url: expect.stringContaining("/setup/"), license: { state: "ok" }, data_dir: trial.dataDir });
  });

  test("a proxy of the host is not used", async () => {
    const proxy = "http://127.0.0.1:1";
    await using trial = await start(["trial"], { env: { HTTP_PROXY: proxy, http_proxy: proxy, HTTPS_PROXY: proxy, ALL_PROXY: proxy } });
    await said(trial.stdout, "press Ctrl-C\n");
    expect(trial.stdout()).toContain("License          ok");
  });
});

describe("serve", () => {
  test("standard output is the addresses alone, and the log is JSON lines on standard error", async () => {
    await using served = await start(["serve", "--json"]);
    expect(await served.stop()).toBe(0);
    expect(lines(served.stdout())).toHaveLength(1);
    expect(JSON.parse(served.stdout())).toMatchObject({ schema_version: 1, urls: served.urls });
    const logged = events(served.stderr());
    expect(logged.slice(0, 1)).toEqual(["process.starting"]);
    expect(logged).toContain("process.ready");
    expect(logged.slice(-2)).toEqual(["process.stopping", "process.stopped"]);
  });

  test("it runs the roles that are asked for", async () => {
    await using served = await start(["serve", "--roles", "license,issuer"]);
    expect(served.urls).toEqual({ license: expect.any(String), api: undefined, gateway: undefined, issuer: expect.any(String) });
  });

  test("after a kill the same directory starts again, and the door left behind is replaced", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const first = await start(["trial"], { dataDir });
    await first.kill();
    expect(existsSync(join(dataDir, "operator.sock"))).toBe(true);
    await using again = await start(["trial"], { dataDir });
    expect((await run(["license", "clients", "--json"], { dataDir })).exitCode).toBe(0);
    expect(await again.stop()).toBe(0);
    await first[Symbol.asyncDispose]();
  });

  test("a second signal ends it at once, also while a request hangs", async () => {
    await using served = await start(["serve"]);
    const release = await hangingRequest(served);
    process.kill(served.pid, "SIGTERM");
    await said(served.stderr, "process.stopping");
    process.kill(served.pid, "SIGTERM");
    expect(await served.exited).toBe(130);
    release();
  });

  testNeeding("openssl", "with a certificate for another name than the bound address every role still gets its lease", async () => {
    using folder = temporaryFolder();
    const authority = testAuthority(folder.path);
    const { certFile, keyFile } = authority.sign("cyberun.example");
    await using served = await start(["trial", "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--json"]);
    await said(served.stdout, "\n");
    expect(JSON.parse(served.stdout())).toMatchObject({ license: { state: "ok" }, urls: { api: expect.stringMatching(/^https:/) } });
    const answer = await fetch(`${served.urls.api}/readyz`, { tls: { ca: readFileSync(authority.file, "utf8"), checkServerIdentity: () => undefined } });
    expect(answer.status).toBe(200);
  });

  test("a ready file that a killed process left behind is gone before anything is opened", async () => {
    using folder = temporaryFolder();
    const readyFile = written(folder.path, "ready.json", "{}");
    const ended = await run(["serve", "--ready-file", readyFile, "--master-key-file", written(folder.path, "k", "x")]);
    expect([ended.exitCode, existsSync(readyFile)]).toEqual([3, false]);
  });

  test("a connection that says nothing does not keep it from stopping", async () => {
    await using served = await start(["serve"]);
    const { port } = new URL(served.urls.api ?? "");
    const socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(port), socket: { data: () => {} } });
    expect(await served.stop()).toBe(0);
    socket.end();
  });
});

/** A request whose body never comes. */
async function hangingRequest({ urls }: Running): Promise<() => void> {
  const { port } = new URL(urls.api ?? "");
  const socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(port), socket: { data: () => {} } });
  socket.write("POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{");
  socket.flush();
  // A whole request that comes after it is answered: by then the half one has been read as well.
  for (let asked = 0; asked < 3; asked += 1) await (await fetch(`${urls.api}/healthz`, { headers: { connection: "close" } })).text();
  return () => void socket.end();
}

/** Waits until the process has written `text`. */
async function said(output: () => string, text: string): Promise<void> {
  await eventually(() => output().includes(text), `it writes ${text}`);
}

function written(folder: string, name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** One clear sentence, the documented exit code, and nothing on standard output. */
function expectRefusal({ exitCode, stdout, stderr }: Ended, exit: number, text: string): void {
  const last = lines(stderr).at(-1) ?? "";
  expect([exitCode, stdout]).toEqual([exit, ""]);
  expect(JSON.parse(last)).toMatchObject({ error: { message: expect.stringContaining(text) } });
  expect(stderr).not.toContain("    at ");
}

describe("a start that cannot be", () => {
  interface Refused {
    readonly args?: (folder: string) => readonly string[];
    readonly env?: (folder: string) => Readonly<Record<string, string>>;
    readonly exit: number;
    readonly text: string;
  }

  const refusals: Readonly<Record<string, Refused>> = {
    "a data directory below a file": { args: (folder) => ["--data-dir", join(written(folder, "file", ""), "data")], exit: 3, text: "cannot be used" },
    "a data directory that is a file": { args: (folder) => ["--data-dir", written(folder, "file", "")], exit: 3, text: "The data directory" },
    "a damaged master key": { args: (folder) => ["--master-key-file", written(folder, "k", "x")], exit: 3, text: "is damaged" },
    "a master key that cannot be read": { args: (folder) => ["--master-key-file", folder], exit: 3, text: "cannot be read or written" },
    "a damaged database": { args: (folder) => (mkdirSync(join(folder, "d")), writeFileSync(join(folder, "d", "cyberun.db"), "x".repeat(8_192)), ["--data-dir", join(folder, "d")]), exit: 3, text: "cannot be opened" },
    "a database that cannot be reached": { env: () => ({ CYBERUN_DATABASE_URL: "postgres://u:planted-Pa55word@127.0.0.1:1/c" }), exit: 3, text: "database" },
    "a certificate that is none": { args: (folder) => ["--tls-cert-file", written(folder, "c", "x"), "--tls-key-file", written(folder, "k", "x")], exit: 2, text: "certificate" },
    "a file of authorities that holds none": { args: (folder) => ["--extra-ca-file", written(folder, "ca", "x")], exit: 2, text: "holds no certificate" },
    "an address of another host": { args: () => ["--bind", "203.0.113.7"], exit: 3, text: "cannot be opened" },
    "a ready file in no directory": { args: (folder) => ["--ready-file", join(written(folder, "file", ""), "ready.json")], exit: 3, text: "The ready file" },
    "a mistyped setting": { args: () => ["--api-prot", "0"], exit: 2, text: "Did you mean --api-port?" },
    "a mistyped variable": { env: () => ({ CYBERUN_API_PROT: "0" }), exit: 2, text: "Did you mean CYBERUN_API_PORT?" },
  };

  test.each(Object.entries(refusals))("%s is told in one sentence", async (_, { args = () => [], env = () => ({}), exit, text }) => {
    using folder = temporaryFolder();
    const ended = await run(["serve", "--json", ...args(folder.path)], { env: env(folder.path), dataDir: join(folder.path, "data") });
    expectRefusal(ended, exit, text);
    expect(ended.stderr).not.toContain("planted-Pa55word");
    expect(existsSync(join(folder.path, "data", "operator.sock"))).toBe(false);
  });

  test("a port that another program has is named, and the other roles' ports are free again", async () => {
    using folder = temporaryFolder();
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const free = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { port: freePort } = free;
    await free.stop(true);
    const ended = await run(["serve", "--json", "--license-port", String(freePort), "--issuer-port", String(taken.port)], { dataDir: join(folder.path, "data") });
    expectRefusal(ended, 3, `Port ${taken.port} on 127.0.0.1 cannot be opened: another program uses it.`);
    await taken.stop(true);
  });

  test("a directory that another process serves is left to it", async () => {
    await using first = await start(["serve"]);
    expectRefusal(await run(["serve", "--json"], { dataDir: first.dataDir }), 6, "Another cyberun process uses this data directory.");
    expect((await fetch(`${first.urls.api}/readyz`)).status).toBe(200);
    expect((await run(["license", "clients"], { dataDir: first.dataDir })).exitCode).toBe(0);
  });

  test.each(["NODE_TLS_REJECT_UNAUTHORIZED", "BUN_CONFIG_VERBOSE_FETCH", "BUN_JSC_useJIT"])("with %s in the environment nothing runs, not even the version", async (name) => {
    const { exitCode, stdout, stderr } = await run(["version"], { env: { [name]: "0" } });
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(name);
  });
});

describe("commands", () => {
  test("version and help are answered anywhere, and name the build", async () => {
    const { stdout, exitCode, stderr } = await run(["--version"], { cwd: "/" });
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^cyberun \d+\.\d+\.\d+/);
    expect((await run(["help"])).stdout).toContain("Commands:");
    expect(await run([])).toMatchObject({ exitCode: 2, stdout: "" });
  });

  test("verify-self compares the running file, by whatever name it was started", async () => {
    using folder = temporaryFolder();
    const executable = await cyberunExecutable();
    const sum = createHash("sha256").update(readFileSync(executable)).digest("hex");
    const good = written(folder.path, "good", `${sum}  ${basename(executable)}\n`);
    const bad = written(folder.path, "bad", `${"0".repeat(64)}  ${basename(executable)}\n`);
    const matched = await run(["verify-self", "--sums", good, "--json"]);
    expect([matched.exitCode, JSON.parse(matched.stdout)]).toMatchObject([0, { verdict: "match", sha256: sum }]);
    expect((await run(["verify-self", "--sums", bad])).exitCode).toBe(6);
    const link = join(folder.path, "link");
    symlinkSync(executable, link);
    expect((await run(["verify-self", "--sums", good], { executable: link })).exitCode).toBe(0);
  });

  test("who may not open the data directory is told so, and sees nothing of it", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const license = written(folder.path, "a.lic", "x");
    mkdirSync(dataDir, { mode: 0o700 });
    chmodSync(folder.path, 0o755);
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) chmodSync(dataDir, 0o000);
    // The checkout may lie where another account does not get to.
    const executable = join(folder.path, "cyberun");
    copyFileSync(await cyberunExecutable(), executable);
    for (const command of [["admin", "setup-link"], ["license", "test", license], ["license", "clients"], ["license", "install", license]]) {
      const { status, stdout, stderr } = spawnSync(executable, [...command, "--data-dir", dataDir, "--json"], { env: {}, encoding: "utf8", ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}) });
      const isInstall = command[1] === "install";
      expect([command, status, stdout]).toEqual([command, isInstall ? 7 : 4, ""]);
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: isInstall ? "invalid_license" : "forbidden" } });
    }
    chmodSync(dataDir, 0o700);
  });

  test("what root does for a service stays the service's own", async () => {
    using folder = temporaryFolder();
    const isRoot = process.getuid?.() === 0;
    const owner = isRoot ? 65_534 : (process.getuid?.() ?? 0);
    const dataDir = join(folder.path, "data");
    mkdirSync(dataDir, { mode: 0o700 });
    if (isRoot) for (const path of [folder.path, dataDir]) chownSync(path, owner, owner);
    const password = written(folder.path, "pw", "long enough 1\n");
    expect(await run(["admin", "create", "--email", "a@example.com", "--password-file", password], { dataDir })).toMatchObject({ exitCode: 0 });
    const owners = readdirSync(dataDir).map((name) => [name, statSync(join(dataDir, name)).uid]);
    expect(owners.length).toBeGreaterThan(1);
    expect(owners.filter(([, uid]) => uid !== owner)).toEqual([]);
    expect(dirname(dataDir)).toBe(folder.path);
  });
});
